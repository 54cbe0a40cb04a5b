/* SPDX-License-Identifier: Apache-2.0 */
#include "app/thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *run(void *arg)
{
    const struct ss_thread *t = arg;
    const uint64_t one = 1;
    t->work(t->arg);
    (void)!write(t->ended, &one, sizeof one);
    return NULL;
}

static void finish(void *arg)
{
    struct ss_thread *t = arg;
    uint64_t count;
    (void)!read(t->ended, &count, sizeof count);
    (void)pthread_join(t->thread, NULL);
    t->runs = false;
    t->done(t->arg);
}

int ss_thread_open(struct ss_thread *t, ssp_loop *loop)
{
    t->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->ended == -1)
        return -1;
    t->watch = ssp__watch_open(loop, t->ended, finish, t);
    if (t->watch != NULL)
        return 0;
    int error = errno;
    (void)close(t->ended);
    errno = error;
    return -1;
}

static void fill(sigset_t *set)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    (void)sigfillset(set);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        (void)sigdelset(set, own[i]);
}

int ss_thread_begin(struct ss_thread *t)
{
    sigset_t blocked, before;
    fill(&blocked);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(&t->thread, NULL, run, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    t->runs = error == 0;
    return error;
}

void ss_thread_close(struct ss_thread *t)
{
    if (t->watch == NULL)
        return;
    atomic_store(&t->stop, true);
    if (t->runs)
        (void)pthread_join(t->thread, NULL);
    ssp__watch_close(t->watch);
    (void)close(t->ended);
}
