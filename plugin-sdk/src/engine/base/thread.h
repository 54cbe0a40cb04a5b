/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - a thread beside the first one, to which the signals of the process stay.
 */
#ifndef SSP_BASE_THREAD_H
#define SSP_BASE_THREAD_H

#include <pthread.h>

/* The thread keeps the signals of its own mistakes (SIGSEGV, SIGSYS): blocked, they would end the
 * process without a word.  Returns 0, or an error number. */
int ssp__thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
