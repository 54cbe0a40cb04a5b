/* SPDX-License-Identifier: Apache-2.0 */
/* edges.c - which descriptors epoll tells of by edges. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>

enum { DESCRIPTORS = 1024 };

typedef int ctl_fn(int epoll, int op, int fd, struct epoll_event *e);

/* More descriptors than these are not told of again. */
static struct edge {
    atomic_int epoll; /* + 1; 0: none */
    struct epoll_event event;
} edges[DESCRIPTORS];

static ctl_fn *real_ctl(void)
{
    static ctl_fn *real;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
    return real;
}

int fault_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e) __asm__("epoll_ctl");
int fault_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e)
{
    if (op != EPOLL_CTL_DEL && fault_hits(FAULT_epoll_ctl)) /* to forget takes no memory */
        return -1;
    int rc = real_ctl()(epoll, op, fd, e);
    if (fd < 0 || fd >= DESCRIPTORS)
        return rc;
    bool edge = rc == 0 && e != NULL && op != EPOLL_CTL_DEL && (e->events & EPOLLET) != 0;
    if (edge)
        edges[fd].event = *e;
    atomic_store(&edges[fd].epoll, edge ? epoll + 1 : 0);
    return rc;
}

void fault_edge(int fd)
{
    int error = errno, epoll = fd < DESCRIPTORS ? atomic_load(&edges[fd].epoll) - 1 : -1;
    if (epoll != -1)
        (void)real_ctl()(epoll, EPOLL_CTL_MOD, fd, &edges[fd].event);
    errno = error;
}
