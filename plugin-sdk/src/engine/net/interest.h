/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interest.h - what the owner of a descriptor waits for.
 *
 * A plain interest is asked of epoll as it is (level-triggered), and any descriptor may have one.
 * An interest by edges is for a stream socket whose every read and write is told here: epoll is
 * told once, and says once what has happened; a change of mind, an end, and close() cost no call
 * then.
 */
#ifndef SSP_NET_INTEREST_H
#define SSP_NET_INTEREST_H

#include "net/loop.h"

#include <stdbool.h>

typedef void ssp__ready_fn(void *arg);

/* Either may be NULL when it is never wanted.  An error of the descriptor counts as both. */
struct ssp__reaction {
    ssp__ready_fn *readable, *writable;
};

/* An event that has happened.  By edges it stays until ssp__interest_spent(). */
enum {
    SSP_READABLE = 1,
    SSP_WRITABLE = 2,
    SSP_FAILED = 4, /* an error, or both ends are over */
    SSP_MORE_IN = 8 /* the end, or urgent data: a short read does not show that nothing is left */
};

/* Embedded in its owner, which must not move while it waits for anything. */
struct ssp__interest {
    ssp_loop *loop; /* borrowed */
    const struct ssp__reaction *reaction;
    void *arg;             /* borrowed, for both */
    uint32_t serial;       /* of its registration: events of an earlier one are ignored */
    bool reading, writing; /* what the owner waits for */
    bool edges;            /* set before the first call */
    bool due;              /* the next turn reacts without asking epoll */
    uint8_t known;         /* what epoll looks for */
    uint8_t ready;         /* what has happened */
};

/* Sets the events of fd that the owner waits for; free of cost when nothing changes.  A reaction
 * comes only while it is wanted, also when its event has happened before.  One interest for each
 * descriptor.  Returns false when the system refuses it: the owner then waits in vain. */
bool ssp__interest_set(struct ssp__interest *i, int fd, bool read, bool write);

/* A call has found that nothing of this is left, such as SSP_READABLE. */
void ssp__interest_spent(struct ssp__interest *i, unsigned event);

/* The end, before fd is closed.  A plain one is taken out of epoll: another process may hold the
 * same descriptor.  By edges, close() takes it out, and where another process holds the socket, its
 * late events are ignored. */
void ssp__interest_end(struct ssp__interest *i, int fd);

/* Another owner, whose interest has its loop, reaction and arg, goes on with fd. */
void ssp__interest_pass(struct ssp__interest *from, struct ssp__interest *to, int fd);

#endif
