/* SPDX-License-Identifier: Apache-2.0 */
/* interest.c - the epoll descriptor of a loop. */
#include "net/interest.h"

#include "net/loop_impl.h"

#include <errno.h>
#include <limits.h>

/* An owner that has gone does not hear of an event of this turn any more. */
static void forget(ssp_loop *loop, const struct ssp__interest *i)
{
    for (int at = loop->at; at < loop->happened; at++) {
        if (loop->event[at].data.ptr == i)
            loop->event[at].data.ptr = NULL;
    }
}

bool ssp__interest_set(struct ssp__interest *i, int fd, bool read, bool write)
{
    if (i->reading == read && i->writing == write)
        return true;
    bool known = i->reading || i->writing, wanted = read || write;
    struct epoll_event e = {.data.ptr = i};
    e.events = (read ? (uint32_t)EPOLLIN : 0) | (write ? (uint32_t)EPOLLOUT : 0);
    int op = !wanted ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!wanted)
        forget(i->loop, i);
    if (epoll_ctl(i->loop->epoll_fd, op, fd, &e) == -1 && wanted)
        return false;
    i->reading = read;
    i->writing = write;
    return true;
}

int ssp__loop_wait(ssp_loop *loop, uint64_t until_ms)
{
    int n;
    do {
        uint64_t now_ms = until_ms != UINT64_MAX ? ssp__loop_now_ms(loop) : 0;
        uint64_t wait_ms = until_ms > now_ms ? until_ms - now_ms : 0;
        int timeout = wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
        n = epoll_wait(loop->epoll_fd, loop->event, SSP_LOOP_EVENTS,
                       until_ms == UINT64_MAX ? -1 : timeout);
    } while (n == -1 && errno == EINTR);
    loop->happened = n > 0 ? n : 0;
    return n == -1 ? -1 : 0;
}

/* A reaction may end any owner, its own one included. */
void ssp__loop_react(ssp_loop *loop)
{
    const uint32_t failed = EPOLLERR | EPOLLHUP;
    for (loop->at = 0; loop->at < loop->happened; loop->at++) {
        const struct epoll_event *e = &loop->event[loop->at];
        const struct ssp__interest *i = e->data.ptr;
        if (i != NULL && i->reading && (e->events & (EPOLLIN | failed)) != 0)
            i->reaction->readable(i->arg);
        i = e->data.ptr;
        if (i != NULL && i->writing && (e->events & (EPOLLOUT | failed)) != 0)
            i->reaction->writable(i->arg);
    }
    loop->at = loop->happened = 0;
}
