/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answering.h - sockets that answer clients from the addresses of targets, one for each address.
 *
 * Their number is bounded: the one that was used least recently makes room, and an unused one is
 * closed.
 */
#ifndef SSP_UDP_ANSWERING_H
#define SSP_UDP_ANSWERING_H

#include "net/datagram.h"

struct ssp__answering;

struct ssp__answering_conf {
    ssp_loop *loop;
    struct ssp__batch *batch; /* all borrowed */
    unsigned max;             /* sockets, about */
    unsigned idle_ms;
    const struct ssp__socket_options *options; /* their fwmark */
    const uint64_t *key;                       /* two words, for the hash */
};

/* NULL when memory is out. */
struct ssp__answering *ssp__answering_new(const struct ssp__answering_conf *conf);
void ssp__answering_free(struct ssp__answering *t); /* accepts NULL */

/* The socket of an address and port, valid for the call of the engine; NULL for an address of this
 * machine, or after a log line for the first of several failures. */
struct ssp__datagram *ssp__answering_socket(struct ssp__answering *t,
                                            const struct ssp__address *from);

#endif
