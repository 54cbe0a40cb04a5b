/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.h - the traffic of a server or of one of its users, counted where it passes, and how
 * much of it there may be.
 */
#ifndef SSP_BASE_COUNTERS_H
#define SSP_BASE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Since the start.  Bytes are those of the plain side, of TCP and UDP; up is from the client. */
struct ssp__counters {
    uint64_t bytes_up, bytes_down;
    uint64_t wire_up, wire_down;       /* what the codec made of those of TCP */
    uint64_t packets_up, packets_down; /* of UDP */
    uint64_t accepted;                 /* connections */
    uint64_t foreign;                  /* connections and packets that did not authenticate */
    uint64_t failed; /* connections that reached no target, or asked wrongly for one */
};

/* Adds to a counter, which one thread writes and others may read. */
static inline void ssp__count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Adds all that another thread counts. */
static inline void ssp__counters_add(struct ssp__counters *sum, const struct ssp__counters *c)
{
    uint64_t *to = &sum->bytes_up;
    const uint64_t *from = &c->bytes_up;
    for (size_t i = 0; i < sizeof *c / sizeof *from; i++)
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* Both directions together, of TCP and UDP.  Zero is any number. */
struct ssp__allowance {
    uint64_t bytes; /* since the start, and those that were used before */
    uint64_t used;
    uint64_t rate; /* bytes a second */
};

/* Bytes that count toward the limit of them. */
static inline uint64_t ssp__allowance_used(const struct ssp__allowance *allowance,
                                           const struct ssp__counters *c)
{
    return allowance->used + c->bytes_up + c->bytes_down;
}

/* True when no more bytes may pass. */
static inline bool ssp__allowance_spent(const struct ssp__allowance *allowance,
                                        const struct ssp__counters *c)
{
    return allowance->bytes != 0 && ssp__allowance_used(allowance, c) >= allowance->bytes;
}

#endif
