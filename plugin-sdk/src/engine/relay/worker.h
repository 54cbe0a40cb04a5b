/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - what the sessions of one thread share: loop, resolver, scratch memory, pipes,
 * counters.
 */
#ifndef SSP_RELAY_WORKER_H
#define SSP_RELAY_WORKER_H

#include "base/io.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "relay/peer_limit.h"
#include "relay/pipe.h"

struct ssp__counters {
    uint64_t accepted, bytes_up, bytes_down, foreign, failed;
};

struct ssp__session;

struct ssp__worker {
    ssp_loop *loop;                 /* borrowed */
    struct ssp__resolver *resolver; /* borrowed */
    ssp_world world;                /* the kernel's randomness and clock */
    struct ssp__pool pool;
    uint8_t *in, *out; /* scratch of one turn */
    ssp_io io;         /* the view of one turn */
    struct ssp__pipes pipes;
    struct ssp__session *sessions; /* all that live */
    unsigned live;
    struct ssp__counters counters;
    struct ssp__peer_limit *crowd; /* NULL: nobody has been counted yet */
    uint64_t why_ms;               /* when a codec's reason was logged last */
    uint64_t crowded_ms;           /* when a refusal was logged */
    void (*on_idle)(void *arg);    /* the last session has ended; may be NULL */
    void *idle_arg;
    void (*on_busy)(void *arg); /* the first of them has begun; may be NULL */
    void *busy_arg;
};

/* NULL when memory is out. */
struct ssp__worker *ssp__worker_new(ssp_loop *loop, struct ssp__resolver *resolver);

/* Its sessions are over.  Accepts NULL. */
void ssp__worker_free(struct ssp__worker *worker);

#endif
