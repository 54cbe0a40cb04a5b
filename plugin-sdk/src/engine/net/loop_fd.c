/* SPDX-License-Identifier: Apache-2.0 */
/* loop_fd.c - one descriptor that is readable when the loop has work: ssp_loop_fd(). */
#include "net/loop_impl.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

void ssp__loop_fd_close(ssp_loop *loop)
{
    ssp__watch_close(loop->expired);
    loop->expired = NULL;
    if (loop->timer_fd != -1)
        (void)close(loop->timer_fd);
    loop->timer_fd = -1;
}

/* The turn that hears it fires the alarms. */
static void expired(void *arg)
{
    (void)arg;
}

int ssp_loop_fd(ssp_loop *loop)
{
    if (loop->timer_fd != -1)
        return loop->epoll_fd;
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->timer_fd == -1)
        return -1;
    loop->expired = ssp__watch_open(loop, loop->timer_fd, expired, loop);
    if (loop->expired == NULL) {
        ssp__loop_fd_close(loop);
        errno = ENOMEM;
        return -1;
    }
    ssp__loop_fd_arm(loop);
    return loop->epoll_fd;
}
