/* SPDX-License-Identifier: Apache-2.0 */
#include "app/thread.h"

#include <signal.h>
#include <stddef.h>

static void fill(sigset_t *set)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    (void)sigfillset(set);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        (void)sigdelset(set, own[i]);
}

int ss_thread_start(pthread_t *thread, void *(*work)(void *arg), void *arg)
{
    sigset_t blocked, before;
    fill(&blocked);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(thread, NULL, work, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
