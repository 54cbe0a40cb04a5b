/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagrams.h - SIP003u: a plugin's UDP, each datagram through the codec's seal or open.
 *
 * One association for each client address.  Datagrams that are not ours are dropped silently.
 */
#ifndef SSP_PLUGIN_DATAGRAMS_H
#define SSP_PLUGIN_DATAGRAMS_H

#include "relay/program.h"

struct ssp__datagrams;

/* Plain bytes, and datagrams that were dropped because they were not ours. */
struct ssp__datagram_counters {
    uint64_t up, down, foreign;
};

struct ssp__datagrams_conf {
    struct ssp__program *program;       /* borrowed for its life, as all that follows */
    const struct ssp__service *service; /* a client seals what it hears, a server opens it */
    const struct ssp__endpoint *listen;
    unsigned listens;
    void (*on_traffic)(void *arg); /* a counter has changed */
    void *arg;
};

/* Receives at every address of listen.  NULL with a sentence in why. */
struct ssp__datagrams *ssp__datagrams_open(const struct ssp__datagrams_conf *conf, char *why,
                                           size_t why_cap);
void ssp__datagrams_close(struct ssp__datagrams *datagrams); /* accepts NULL */

/* Zeros for NULL. */
struct ssp__datagram_counters ssp__datagrams_counters(const struct ssp__datagrams *datagrams);

#endif
