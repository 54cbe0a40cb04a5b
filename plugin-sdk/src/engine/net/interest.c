/* SPDX-License-Identifier: Apache-2.0 */
/* interest.c - the epoll descriptor of a loop. */
#include "net/interest.h"

#include "net/loop_impl.h"

#include <errno.h>
#include <limits.h>

/* ---- registrations ---- */

/* The interest that this event is of, or NULL: its owner has gone. */
static struct ssp__interest *interest_of(const ssp_loop *loop, int fd, uint32_t serial)
{
    struct ssp__interest *i = ssp__owners_at(&loop->owners, fd);
    return i != NULL && i->serial == serial ? i : NULL;
}

static uint32_t events_of(const struct ssp__interest *i, unsigned what)
{
    uint32_t events = i->edges ? (uint32_t)EPOLLET | EPOLLRDHUP | EPOLLPRI : 0;
    events |= (what & SSP_READABLE) != 0 ? (uint32_t)EPOLLIN : 0;
    return events | ((what & SSP_WRITABLE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

/* Asks epoll for these events; it also looks what has happened already. */
static bool ask(struct ssp__interest *i, int fd, unsigned what)
{
    ssp_loop *loop = i->loop;
    bool first = i->known == 0;
    if (first && !ssp__owners_set(&loop->owners, fd, i))
        return false;
    uint32_t serial = first ? ++loop->serial : i->serial;
    struct epoll_event e = {.events = events_of(i, what),
                            .data.u64 = (uint64_t)serial << 32 | (uint32_t)fd};
    if (epoll_ctl(loop->epoll_fd, first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) == -1) {
        if (first)
            (void)ssp__owners_set(&loop->owners, fd, NULL);
        return false;
    }
    i->serial = serial;
    i->known = (uint8_t)what;
    return true;
}

static void forget(struct ssp__interest *i, int fd, bool tell)
{
    if (i->known == 0)
        return;
    if (tell)
        (void)epoll_ctl(i->loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    (void)ssp__owners_set(&i->loop->owners, fd, NULL);
    i->known = i->ready = 0;
    i->due = false;
}

static unsigned wanted(const struct ssp__interest *i)
{
    return (i->reading ? SSP_READABLE : 0U) | (i->writing ? SSP_WRITABLE : 0U);
}

/* The next turn hears an event that has happened and is wanted.  Without memory to note it, epoll
 * is asked again. */
static bool heed(struct ssp__interest *i, int fd)
{
    if (!i->edges || i->due || (i->ready & wanted(i)) == 0)
        return true;
    i->due = ssp__due_add(&i->loop->due, fd, i->serial);
    if (i->due && !i->loop->turning)
        ssp__loop_fd_arm(i->loop);
    return i->due || ask(i, fd, i->known);
}

bool ssp__interest_set(struct ssp__interest *i, int fd, bool read, bool write)
{
    if (i->reading == read && i->writing == write)
        return true;
    const struct ssp__interest before = *i;
    i->reading = read;
    i->writing = write;
    unsigned what = wanted(i);
    if (i->edges) /* one that is being connected will be read */
        what |= i->known | (write ? (unsigned)SSP_READABLE : 0U);
    if (what == 0)
        forget(i, fd, true);
    else if (what != i->known && !ask(i, fd, what)) {
        i->reading = before.reading;
        i->writing = before.writing;
        return false;
    }
    return heed(i, fd);
}

void ssp__interest_spent(struct ssp__interest *i, unsigned event)
{
    i->ready = (uint8_t)(i->ready & ~event);
}

void ssp__interest_end(struct ssp__interest *i, int fd)
{
    forget(i, fd, !i->edges);
    i->reading = i->writing = false;
}

void ssp__interest_pass(struct ssp__interest *from, struct ssp__interest *to, int fd)
{
    to->serial = from->serial;
    to->edges = from->edges;
    to->known = from->known;
    to->ready = from->ready;
    to->due = from->due;
    to->reading = from->reading;
    to->writing = from->writing;
    if (from->known != 0)
        (void)ssp__owners_set(&to->loop->owners, fd, to); /* has its place already */
    from->known = 0;
}

/* ---- a turn ---- */

int ssp__loop_wait(ssp_loop *loop, uint64_t until_ms)
{
    int n;
    if (loop->due.n > 0)
        until_ms = 0;
    do {
        uint64_t now_ms = until_ms != UINT64_MAX && until_ms != 0 ? ssp__loop_now_ms(loop) : 0;
        uint64_t wait_ms = until_ms > now_ms ? until_ms - now_ms : 0;
        int timeout = wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
        n = epoll_wait(loop->epoll_fd, loop->event, SSP_LOOP_EVENTS,
                       until_ms == UINT64_MAX ? -1 : timeout);
    } while (n == -1 && errno == EINTR);
    loop->happened = n > 0 ? n : 0;
    loop->turns++;
    return n == -1 ? -1 : 0;
}

static uint8_t happened(uint32_t events)
{
    const uint32_t failed = EPOLLERR | EPOLLHUP;
    unsigned what = (events & failed) != 0 ? SSP_READABLE | SSP_WRITABLE | SSP_FAILED : 0U;
    what |= (events & (EPOLLIN | EPOLLRDHUP)) != 0 ? (unsigned)SSP_READABLE : 0U;
    what |= (events & EPOLLOUT) != 0 ? (unsigned)SSP_WRITABLE : 0U;
    what |= (events & (failed | EPOLLRDHUP | EPOLLPRI)) != 0 ? (unsigned)SSP_MORE_IN : 0U;
    return (uint8_t)what;
}

/* A reaction may end any owner, its own one included. */
static void react(ssp_loop *loop, struct ssp__interest *i, int fd)
{
    const uint32_t serial = i->serial;
    if (i->reading && (i->ready & SSP_READABLE) != 0) {
        i->reaction->readable(i->arg);
        i = interest_of(loop, fd, serial);
    }
    if (i != NULL && i->writing && (i->ready & SSP_WRITABLE) != 0) {
        i->reaction->writable(i->arg);
        i = interest_of(loop, fd, serial);
    }
    if (i != NULL)
        (void)heed(i, fd);
}

static int fd_of(const struct epoll_event *e)
{
    return (int)(uint32_t)e->data.u64;
}

static struct ssp__interest *whose(const ssp_loop *loop, const struct epoll_event *e)
{
    return interest_of(loop, fd_of(e), (uint32_t)(e->data.u64 >> 32));
}

static void note(const ssp_loop *loop, const struct epoll_event *e)
{
    struct ssp__interest *i = whose(loop, e);
    if (i != NULL)
        i->ready = (uint8_t)((i->edges ? i->ready : 0) | happened(e->events));
}

/* Owners that are left from earlier turns come first, and each has one turn. */
static void react_to_due(ssp_loop *loop)
{
    const unsigned left = loop->due.n;
    for (unsigned at = 0; at < left; at++) {
        const struct ssp__due_one one = loop->due.one[at];
        struct ssp__interest *i = interest_of(loop, one.fd, one.serial);
        if (i == NULL || !i->due)
            continue;
        i->due = false;
        react(loop, i, one.fd);
    }
    ssp__due_drop(&loop->due, left);
}

void ssp__loop_react(ssp_loop *loop)
{
    for (int at = 0; at < loop->happened; at++)
        note(loop, &loop->event[at]);
    react_to_due(loop);
    for (int at = 0; at < loop->happened; at++) {
        struct ssp__interest *i = whose(loop, &loop->event[at]);
        if (i != NULL && !i->due)
            react(loop, i, fd_of(&loop->event[at]));
    }
    loop->happened = 0;
}
