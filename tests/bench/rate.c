/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection rate: connect, SOCKS5 if asked for, one request, its answer, close; many at a time.
 */
#include "turns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum phase { CONNECT, CHOICE, ADMISSION, REPLY, ANSWER, PHASE_COUNT };

struct call {
    int fd;
    enum phase phase;
    size_t got;
    uint8_t in[MESSAGE_SIZE];
};

struct rate {
    struct turns turns;
    uint8_t greeting[SOCKS_GREETING_SIZE];
    uint8_t credentials[SOCKS_CREDENTIALS_MAX];
    size_t credentials_len; /* 0: none are wanted */
    uint8_t connect[SOCKS_CONNECT_SIZE];
    uint8_t message[MESSAGE_SIZE];
    struct call *call;
};

static bool begin_call(struct rate *r, struct call *c)
{
    *c = (struct call){.fd = route_begin(&r->turns.job->route), .phase = CONNECT};
    return c->fd != -1 && turns_expect(&r->turns, EPOLL_CTL_ADD, c->fd, EPOLLOUT, c);
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
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &cause, &length) == -1 ||
        !turns_expect(&r->turns, EPOLL_CTL_MOD, c->fd, EPOLLIN, c))
        return false;
    errno = cause;
    if (cause != 0)
        return false;
    if (!r->turns.job->route.socks)
        return say(c, r->message, sizeof r->message, ANSWER);
    return say(c, r->greeting, sizeof r->greeting, CHOICE);
}

static bool chosen(struct rate *r, struct call *c)
{
    errno = EPROTO;
    if (!socks_chosen(&r->turns.job->route, c->in))
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
    r->turns.done++;
    close(c->fd);
    return begin_call(r, c);
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

static bool advance(void *owner, void *client)
{
    struct rate *r = owner;
    struct call *c = client;
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

static int start_calls(struct rate *r)
{
    for (unsigned i = 0; i < r->turns.job->parallel; i++) {
        if (!begin_call(r, &r->call[i]))
            return job_failed("connect");
    }
    return turns_measure(&r->turns);
}

int rate(struct job *job)
{
    struct rate r = {
        .turns = {.job = job,
                  .epoll = epoll_create1(EPOLL_CLOEXEC),
                  .counted = "connections",
                  .step = advance,
                  .owner = &r},
        .call = calloc(job->parallel, sizeof *r.call),
    };
    socks_greet(r.greeting, &job->route);
    if (job->route.user != NULL)
        r.credentials_len = socks_credentials(r.credentials, &job->route);
    socks_connect(r.connect, &job->route.target);
    job_message(job, r.message);
    int rc = r.turns.epoll != -1 && r.call != NULL ? start_calls(&r) : job_failed("rate");
    close(r.turns.epoll);
    free(r.call);
    return rc;
}
