/* SPDX-License-Identifier: Apache-2.0 */
#include "app/thread.h"

#include <errno.h>
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

int ss_thread_begin(struct ss_thread *t)
{
    int error = ssp__thread_start(&t->thread, run, t);
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
