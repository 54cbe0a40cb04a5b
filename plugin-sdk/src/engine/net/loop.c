/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop_impl.h"

#include "base/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool default_is_paced(void)
{
    char name[32] = "";
    int fd = open("/proc/sys/net/ipv4/tcp_congestion_control", O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    ssize_t n = ssp__read(fd, name, sizeof name - 1);
    (void)close(fd);
    return n > 0 && strncmp(name, "bbr", 3) == 0;
}

/* Fires what is due in the lanes and of the deadlines. */
static void tick(void *arg)
{
    ssp_loop *loop = arg;
    uint64_t now = ssp__loop_now_ms(loop);
    ssp__loop_run_lanes(loop, now);
    ssp__loop_run_deadlines(loop, now);

    uint64_t next = loop->deadlines != NULL ? loop->deadlines->due_ms : UINT64_MAX;
    for (unsigned i = 0; i < loop->lanes; i++) {
        const struct ssp__timer *first = loop->lane[i].first;
        if (first != NULL && first->due_ms < next)
            next = first->due_ms;
    }
    ssp__loop_tick_by(loop, next);
}

static void woken(void *arg)
{
    ssp_loop *loop = arg;
    eventfd_t n;
    (void)eventfd_read(loop->wake_fd, &n);
    ssp__loop_run_posts(loop);
}

ssp_loop *ssp_loop_new(void)
{
    ssp_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    (void)pthread_mutex_init(&loop->posts.lock, NULL); /* which cannot fail here */
    loop->timer_fd = -1;
    ssp__alarm_open(loop, &loop->tick, tick, loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd != -1 && loop->wake_fd != -1)
        loop->woken = ssp__watch_open(loop, loop->wake_fd, woken, loop);
    if (loop->woken == NULL) {
        ssp_loop_free(loop);
        return NULL;
    }
    loop->paced = default_is_paced();
    return loop;
}

void ssp_loop_free(ssp_loop *loop)
{
    if (loop == NULL)
        return;
    ssp__watch_close(loop->woken);
    ssp__loop_end_signals(loop);
    ssp__loop_fd_close(loop);
    if (loop->wake_fd != -1)
        (void)close(loop->wake_fd);
    if (loop->epoll_fd != -1)
        (void)close(loop->epoll_fd);
    ssp__owners_free(&loop->owners);
    free(loop->due.one);
    (void)pthread_mutex_destroy(&loop->posts.lock);
    free(loop);
}

static int turn(ssp_loop *loop, uint64_t until_ms)
{
    if (loop->turning) {
        errno = EDEADLK;
        return -1;
    }
    uint64_t due_ms = ssp__loop_due_ms(loop);
    loop->turning = true;
    int rc = ssp__loop_wait(loop, due_ms < until_ms ? due_ms : until_ms);
    if (rc == 0) {
        ssp__loop_react(loop);
        ssp__loop_run_alarms(loop);
        ssp__loop_fd_arm(loop);
    }
    loop->turning = false;
    return rc;
}

int ssp_loop_run(ssp_loop *loop)
{
    int rc = 0;
    while (rc == 0 && !atomic_load(&loop->stopped))
        rc = turn(loop, UINT64_MAX);
    atomic_store(&loop->stopped, false);
    return rc;
}

int ssp_loop_turn(ssp_loop *loop, unsigned wait_ms)
{
    return turn(loop, wait_ms > 0 ? ssp__loop_now_ms(loop) + wait_ms : 0);
}

void ssp_loop_stop(ssp_loop *loop)
{
    atomic_store(&loop->stopped, true);
    ssp_loop_wake(loop);
}

uint32_t ssp__loop_turns(const ssp_loop *loop)
{
    return loop->turns;
}

bool ssp__loop_paced(const ssp_loop *loop)
{
    return loop->paced;
}
