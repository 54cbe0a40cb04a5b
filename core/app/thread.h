/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - work beside the loop, which goes on: once at a time, as often as it is begun.
 */
#ifndef SS_APP_THREAD_H
#define SS_APP_THREAD_H

#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* It must not move.  Zero is a closed one. */
struct ss_thread {
    void (*work)(void *arg); /* in the thread, which has what it needs to itself */
    void (*done)(void *arg); /* in the loop, afterwards */
    void *arg;
    atomic_bool stop; /* the work is to be given up soon */
    bool runs;        /* from its begin until it is done */
    pthread_t thread;
    int ended; /* an eventfd */
    struct ssp__watch *watch;
};

/* work, done and arg are set.  Returns 0, or -1 with errno. */
int ss_thread_open(struct ss_thread *thread, ssp_loop *loop);

/* Signals are the loop's, but for those of the thread's own mistakes.  Returns 0, or an error
 * number. */
int ss_thread_begin(struct ss_thread *thread);

void ss_thread_close(struct ss_thread *thread); /* waits for the work, which it stops */

#endif
