/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns.h - many clients of one measurement, of which each goes on when its socket is ready.
 */
#ifndef LOADGEN_TURNS_H
#define LOADGEN_TURNS_H

#include "job.h"

#include <stdbool.h>

struct turns {
    struct job *job;
    int epoll;                               /* events carry the client */
    unsigned done;                           /* counted by the step */
    const char *counted;                     /* in the plural, as in "requests" */
    bool (*step)(void *owner, void *client); /* false: failed, with errno */
    void *owner;
};

/* The client is told when its socket has these events: an operation of epoll_ctl().  false: errno.
 */
bool turns_expect(const struct turns *turns, int operation, int fd, uint32_t events, void *client);

/* After a warm-up of a tenth of the job's count, prints how many were done, and the cost.  -1:
 * failed. */
int turns_measure(struct turns *turns);

#endif
