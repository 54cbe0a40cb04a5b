/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small requests of HTTP through a proxy for HTTP: clients that keep their connections, each with
 * one request under way.
 */
#include "turns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 4096 };

struct client {
    int fd;
    size_t got;
    char in[HEAD_MAX];
};

struct requests {
    struct turns turns;
    char request[256];
    size_t len;
    struct client *client;
};

static bool ask(const struct requests *r, struct client *c)
{
    c->got = 0;
    return send(c->fd, r->request, r->len, MSG_NOSIGNAL) == (ssize_t)r->len;
}

static bool begin(const struct requests *r, struct client *c)
{
    c->fd = route_dial(&r->turns.job->route);
    return c->fd != -1 && turns_expect(&r->turns, EPOLL_CTL_ADD, c->fd, EPOLLIN, c) && ask(r, c);
}

/* The next request follows the whole answer. */
static bool advance(void *owner, void *client)
{
    struct requests *r = owner;
    struct client *c = client;
    ssize_t n = recv(c->fd, c->in + c->got, sizeof c->in - c->got, MSG_DONTWAIT);
    errno = n == 0 ? ECONNRESET : errno;
    if (n <= 0)
        return n == -1 && errno == EAGAIN;
    c->got += (size_t)n;
    const char *end = memmem(c->in, c->got, "\r\n\r\n", 4);
    errno = EBADMSG;
    if (end == NULL)
        return c->got < sizeof c->in;
    if (c->got < (size_t)(end - c->in) + 4 + HTTP_BODY)
        return true;
    if (memcmp(c->in, "HTTP/1.1 200", 12) != 0)
        return false;
    r->turns.done++;
    return ask(r, c);
}

static int measure(struct requests *r)
{
    for (unsigned i = 0; i < r->turns.job->parallel; i++) {
        if (!begin(r, &r->client[i]))
            return job_failed("connect");
    }
    return turns_measure(&r->turns);
}

int requests(struct job *job)
{
    struct requests r = {.turns = {.job = job,
                                   .epoll = epoll_create1(EPOLL_CLOEXEC),
                                   .counted = "requests",
                                   .step = advance,
                                   .owner = &r},
                         .client = calloc(job->parallel, sizeof *r.client)};
    unsigned port = ntohs(job->route.target.sin_port);
    r.len = (size_t)snprintf(r.request, sizeof r.request,
                             "GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                             "User-Agent: loadgen\r\nAccept: */*\r\n\r\n",
                             port, port);
    int rc = r.turns.epoll != -1 && r.client != NULL ? measure(&r) : job_failed("requests");
    close(r.turns.epoll);
    free(r.client);
    return rc;
}
