/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection rate: connect, SOCKS5 if asked for, one request, its answer, close; many at a time.
 */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, TICK_MS = 20, WARM_UP_SHARE = 10 };

enum phase { CONNECT, CHOICE, ADMISSION, REPLY, ANSWER, PHASE_COUNT };

struct call {
    int fd;
    enum phase phase;
    size_t got;
    uint8_t in[MESSAGE_SIZE];
};

struct rate {
    struct job *job;
    int epoll;
    unsigned done;
    uint8_t greeting[SOCKS_GREETING_SIZE];
    uint8_t credentials[SOCKS_CREDENTIALS_MAX];
    size_t credentials_len; /* 0: none are wanted */
    uint8_t connect[SOCKS_CONNECT_SIZE];
    uint8_t message[MESSAGE_SIZE];
    struct call *call;
};

static int begin_call(struct rate *r, struct call *c)
{
    *c = (struct call){.fd = route_begin(&r->job->route), .phase = CONNECT};
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    return c->fd == -1 ? -1 : epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &event);
}

/* One write of a message so small that it always fits; then the next phase. */
static bool say(struct call *c, const uint8_t *data, size_t n, enum phase then)
{
    c->phase = then;
    c->got = 0;
    return send(c->fd, data, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool connected(struct rate *r, struct call *c)
{
    int cause = 0;
    socklen_t length = sizeof cause;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &cause, &length) == -1 ||
        epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &event) == -1)
        return false;
    errno = cause;
    if (cause != 0)
        return false;
    if (!r->job->route.socks)
        return say(c, r->message, sizeof r->message, ANSWER);
    return say(c, r->greeting, sizeof r->greeting, CHOICE);
}

static bool chosen(struct rate *r, struct call *c)
{
    errno = EPROTO;
    if (!socks_chosen(&r->job->route, c->in))
        return false;
    if (r->credentials_len > 0)
        return say(c, r->credentials, r->credentials_len, ADMISSION);
    return say(c, r->connect, sizeof r->connect, REPLY);
}

static bool admitted(struct rate *r, struct call *c)
{
    errno = EPROTO;
    return socks_admitted(c->in) && say(c, r->connect, sizeof r->connect, REPLY);
}

static bool granted(struct rate *r, struct call *c)
{
    errno = ECONNREFUSED;
    return socks_granted(c->in) && say(c, r->message, sizeof r->message, ANSWER);
}

static bool answered(struct rate *r, struct call *c)
{
    errno = EBADMSG;
    if (memcmp(c->in, r->message, sizeof r->message) != 0)
        return false;
    r->done++;
    close(c->fd);
    return begin_call(r, c) == 0;
}

static const struct {
    size_t size; /* of what must have been read before the step */
    bool (*step)(struct rate *, struct call *);
} phases[PHASE_COUNT] = {
    [CONNECT] = {0, connected},
    [CHOICE] = {SOCKS_CHOICE_SIZE, chosen},
    [ADMISSION] = {SOCKS_CHOICE_SIZE, admitted},
    [REPLY] = {SOCKS_REPLY_SIZE, granted},
    [ANSWER] = {MESSAGE_SIZE, answered},
};

static bool advance(struct rate *r, struct call *c)
{
    size_t size = phases[c->phase].size;
    if (c->got < size) {
        ssize_t n = recv(c->fd, c->in + c->got, size - c->got, 0);
        if (n == 0)
            errno = ECONNRESET;
        if (n <= 0)
            return n == -1 && errno == EAGAIN;
        c->got += (size_t)n;
        if (c->got < size)
            return true;
    }
    return phases[c->phase].step(r, c);
}

static int work(struct rate *r, unsigned goal, uint64_t deadline)
{
    struct epoll_event events[EVENTS];
    while (r->done < goal && now_ns() < deadline) {
        int n = epoll_wait(r->epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < n; i++) {
            if (!advance(r, events[i].data.ptr))
                return -1;
        }
    }
    return 0;
}

static int measure(struct rate *r)
{
    struct job *job = r->job;
    struct cpu_reading begin, end;
    if (work(r, job->count / WARM_UP_SHARE, now_ns() + job->limit_ns) == -1)
        return job_failed("a connection failed in the warm-up");
    unsigned before = r->done;
    if (meter_cpu(&job->meter, &begin) == -1)
        return job_failed("read the CPU clock of a process");
    if (work(r, before + job->count, begin.at + job->limit_ns) == -1)
        return job_failed("a connection failed");
    if (meter_cpu(&job->meter, &end) == -1)
        return job_failed("read the CPU clock of a process");

    errno = ETIMEDOUT;
    if (r->done == before)
        return job_failed("no connection was answered");
    printf("{\"connections\":%u,", r->done - before);
    meter_print_cpu(&job->meter, &begin, &end);
    printf("}\n");
    return 0;
}

static int start_calls(struct rate *r)
{
    for (unsigned i = 0; i < r->job->parallel; i++) {
        if (begin_call(r, &r->call[i]) == -1)
            return job_failed("connect");
    }
    return measure(r);
}

int rate(struct job *job)
{
    struct rate r = {
        .job = job,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .call = calloc(job->parallel, sizeof *r.call),
    };
    socks_greet(r.greeting, &job->route);
    if (job->route.user != NULL)
        r.credentials_len = socks_credentials(r.credentials, &job->route);
    socks_connect(r.connect, &job->route.target);
    job_message(job, r.message);
    int rc = r.epoll != -1 && r.call != NULL ? start_calls(&r) : job_failed("rate");
    close(r.epoll);
    free(r.call);
    return rc;
}
