/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.h - the traffic of a server or of one of its users, counted where it passes.
 */
#ifndef SSP_BASE_COUNTERS_H
#define SSP_BASE_COUNTERS_H

#include <stdint.h>

/* Since the start.  Bytes are those of the plain side, of TCP and UDP; up is from the client. */
struct ssp__counters {
    uint64_t bytes_up, bytes_down;
    uint64_t packets_up, packets_down; /* of UDP */
    uint64_t accepted;                 /* connections */
    uint64_t foreign;                  /* connections and packets that did not authenticate */
    uint64_t failed;                   /* connections that reached no target */
};

#endif
