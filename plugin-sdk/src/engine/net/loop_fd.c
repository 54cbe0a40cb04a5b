/* SPDX-License-Identifier: Apache-2.0 */
/* loop_fd.c - one descriptor that is readable when the loop has work: ssp_loop_fd(). */
#include "net/loop_impl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void close_fd(int fd)
{
    if (fd != -1)
        (void)close(fd);
}

void ssp__loop_fd_close(ssp_loop *loop)
{
    close_fd(loop->outer_fd);
    close_fd(loop->timer_fd);
}

void ssp__loop_fd_arm(const ssp_loop *loop)
{
    uint64_t due_ms = UINT64_MAX;
    if (loop->timer_fd == -1)
        return;
    for (const struct ssp__alarm *a = loop->alarms; a != NULL; a = a->next)
        due_ms = a->due_ms < due_ms ? a->due_ms : due_ms;
    struct itimerspec at = {.it_value = {0}}; /* never */
    if (due_ms != UINT64_MAX) {
        due_ms++; /* libevent counts microseconds: when this fires, its timer is due, too */
        at.it_value.tv_sec = (time_t)(due_ms / 1000);
        at.it_value.tv_nsec = (long)(due_ms % 1000) * 1000000;
    }
    (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* True when fd is an epoll descriptor that watches target: see proc_pid_fdinfo(5). */
static bool watches(const char *fd, int target)
{
    char path[64], line[128];
    int watched;
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%.20s", fd);
    FILE *info = fopen(path, "re");
    while (info != NULL && !found && fgets(line, sizeof line, info) != NULL)
        found = sscanf(line, "tfd: %d", &watched) == 1 && watched == target;
    if (info != NULL)
        (void)fclose(info);
    return found;
}

/* libevent does not expose its epoll descriptor; it is the only one that watches wake_fd.  Returns
 * -1 where there is no /proc. */
static int inner_fd(const ssp_loop *loop)
{
    int found = -1;
    DIR *all = opendir("/proc/self/fdinfo");
    if (all == NULL)
        return -1;
    for (struct dirent *e; found == -1 && (e = readdir(all)) != NULL;) {
        if (watches(e->d_name, loop->wake_fd))
            found = (int)strtol(e->d_name, NULL, 10);
    }
    (void)closedir(all);
    return found;
}

static int watch_from_outside(int outer, int fd)
{
    struct epoll_event readable = {.events = EPOLLIN};
    return epoll_ctl(outer, EPOLL_CTL_ADD, fd, &readable);
}

int ssp_loop_fd(ssp_loop *loop)
{
    if (loop->outer_fd != -1)
        return loop->outer_fd;
    int inner = inner_fd(loop), timer, outer;
    if (inner == -1) {
        errno = ENOSYS;
        return -1;
    }
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    outer = epoll_create1(EPOLL_CLOEXEC);
    if (timer == -1 || outer == -1 || watch_from_outside(outer, inner) == -1 ||
        watch_from_outside(outer, timer) == -1) {
        int error = errno;
        close_fd(timer);
        close_fd(outer);
        errno = error;
        return -1;
    }
    loop->timer_fd = timer;
    loop->outer_fd = outer;
    ssp__loop_fd_arm(loop);
    return outer;
}
