/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - work beside the loop, which goes on.
 */
#ifndef SS_APP_THREAD_H
#define SS_APP_THREAD_H

#include <pthread.h>

/* Signals are the loop's, but for those of the thread's own mistakes.  Returns 0, or an error
 * number; a thread that has started is to be joined. */
int ss_thread_start(pthread_t *thread, void *(*work)(void *arg), void *arg);

#endif
