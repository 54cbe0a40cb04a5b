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
#include "relay/crowd.h"

/* Bytes of a pipe that carries a spliced direction, and how many idle pipes are kept. */
enum { SSP_PIPE_SIZE = 1024 * 1024, SSP_PIPES_KEPT = 16 };

/* A pipe is held by a direction only while bytes are in it. */
struct ssp_pipe {
    int read_fd, write_fd;
    size_t held; /* bytes in the pipe */
    struct ssp_pipe *next;
};

struct ssp_counters {
    uint64_t accepted, bytes_up, bytes_down, foreign, failed;
};

struct ssp_session;

struct ssp_worker {
    struct ssp_loop *loop;         /* borrowed */
    struct ssp_resolver *resolver; /* borrowed */
    ssp_world world;               /* the kernel's randomness and clock */
    struct ssp_pool pool;
    uint8_t *in, *out;      /* scratch of one turn */
    struct ssp_io io;       /* the view of one turn */
    struct ssp_pipe *pipes; /* idle */
    unsigned idle_pipes;
    struct ssp_session *sessions; /* all that live */
    unsigned live;
    struct ssp_counters counters;
    struct ssp_crowd *crowd;    /* NULL: nobody has been counted yet */
    uint64_t why_ms;            /* when a codec's reason was logged last */
    uint64_t crowded_ms;        /* when a refusal was logged */
    void (*on_idle)(void *arg); /* the last session has ended; may be NULL */
    void *idle_arg;
    void (*on_busy)(void *arg); /* the first of them has begun; may be NULL */
    void *busy_arg;
};

/* NULL when memory is out. */
struct ssp_worker *ssp_worker_new(struct ssp_loop *loop, struct ssp_resolver *resolver);

/* Resets all sessions.  Accepts NULL. */
void ssp_worker_free(struct ssp_worker *worker);

/* An empty pipe, or NULL when the system has none to give. */
struct ssp_pipe *ssp_pipe_take(struct ssp_worker *worker);

/* Takes the pipe back; one that still holds bytes is closed.  Accepts NULL. */
void ssp_pipe_give(struct ssp_worker *worker, struct ssp_pipe *pipe);

#endif
