/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagrams.h - SIP003u: a plugin's UDP, each datagram through the codec's seal or open.
 *
 * One association for each client address.  Datagrams that are not ours are dropped silently.
 */
#ifndef SSP_PLUGIN_DATAGRAMS_H
#define SSP_PLUGIN_DATAGRAMS_H

#include "relay/program.h"

struct ssp_datagrams;

/* Plain bytes, and datagrams that were dropped because they were not ours. */
struct ssp_datagram_counters {
    uint64_t up, down, foreign;
};

struct ssp_datagrams_conf {
    struct ssp_program *program;       /* borrowed for its life, as all that follows */
    const struct ssp_service *service; /* a client seals what it hears, a server opens it */
    const struct ssp_endpoint *listen;
    unsigned listens;
    void (*on_traffic)(void *arg); /* a counter has changed */
    void *arg;
};

/* Receives at every address of listen.  NULL with a sentence in why. */
struct ssp_datagrams *ssp_datagrams_open(const struct ssp_datagrams_conf *conf, char *why,
                                         size_t why_cap);
void ssp_datagrams_close(struct ssp_datagrams *datagrams); /* accepts NULL */

/* Zeros for NULL. */
struct ssp_datagram_counters ssp_datagrams_counters(const struct ssp_datagrams *datagrams);

#endif
