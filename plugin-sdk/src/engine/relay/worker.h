/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - shared by the sessions of one thread: loop, resolver, scratch memory, pipes, counters.
 */
#ifndef SSP_RELAY_WORKER_H
#define SSP_RELAY_WORKER_H

#include "base/io.h"
#include "base/random_pool.h"
#include "net/datagram.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "relay/admission.h"
#include "relay/log_limit.h"
#include "relay/pipe.h"

#include <stdatomic.h>

struct ssp__worker {
    ssp_loop *loop;                  /* borrowed */
    struct ssp__resolver *resolver;  /* borrowed */
    struct ssp__random_pool *random; /* of the world; NULL: its randomness is the kernel's */
    ssp_world world;                 /* randomness, and the kernel's clock */
    struct ssp__pool pool;
    uint8_t *in, *out; /* scratch of one turn */
    ssp_io io;         /* the view of one turn */
    struct ssp__pipes pipes;
    struct ssp__batch *batch; /* NULL: no packet has been relayed */
    struct ssp__admission *admission;
    void (*expire)(void *session); /* ends one of them, as its deadline would */
    _Atomic unsigned load;         /* sessions, and connections that are to become some */
    struct ssp__timer tidy;        /* returns memory to the system when there is less to do */
    unsigned stirred;              /* sessions that have ended since it fired last */
    bool bulk;                     /* the scratch memory has been used since */
    struct ssp__log_limit *refusals, *failures;
    uint64_t crowded_ms; /* when it was logged that sessions end for others */
    uint64_t why_ms;     /* when a codec's reason was logged last */
};

/* NULL when memory is out. */
struct ssp__worker *ssp__worker_new(ssp_loop *loop, struct ssp__resolver *resolver,
                                    void (*expire)(void *session));

/* The sockets of UDP.  NULL when memory is out. */
struct ssp__batch *ssp__worker_batch(struct ssp__worker *worker);

/* A session has ended, or much is read: memory may be returned later. */
void ssp__worker_stir(struct ssp__worker *worker);
void ssp__worker_read_much(struct ssp__worker *worker);

/* Its sessions are over.  Accepts NULL. */
void ssp__worker_free(struct ssp__worker *worker);

#endif
