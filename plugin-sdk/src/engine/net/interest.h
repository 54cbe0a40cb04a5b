/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interest.h - what the owner of a descriptor waits for.
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

/* Embedded in its owner, which must not move while it waits for anything. */
struct ssp__interest {
    ssp_loop *loop; /* borrowed */
    const struct ssp__reaction *reaction;
    void *arg;             /* borrowed, for both */
    bool reading, writing; /* as the loop knows it */
};

/* Sets the events of fd that the owner waits for; free of cost when nothing changes.  A reaction
 * comes only while it is wanted, also when its event has happened before.  An owner waits for
 * nothing any more before it closes fd: another process may hold the same socket.  One interest for
 * each descriptor.  Returns false when the system refuses it: the owner then waits in vain. */
bool ssp__interest_set(struct ssp__interest *i, int fd, bool read, bool write);

#endif
