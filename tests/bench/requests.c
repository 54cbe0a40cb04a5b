/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small requests of HTTP through a proxy for HTTP: clients that keep their connections, each with
 * one request under way.
 */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, TICK_MS = 20, WARM_UP_SHARE = 10, HEAD_MAX = 4096 };

struct client {
    int fd;
    size_t got;
    char in[HEAD_MAX];
};

struct requests {
    struct job *job;
    int epoll;
    unsigned done;
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
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = route_dial(&r->job->route);
    return c->fd != -1 && epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0 && ask(r, c);
}

/* The next request follows the whole answer. */
static bool advance(struct requests *r, struct client *c)
{
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
    r->done++;
    return ask(r, c);
}

static int work(struct requests *r, unsigned goal, uint64_t deadline)
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

static int measure(struct requests *r)
{
    struct job *job = r->job;
    struct cpu_reading from, to;
    for (unsigned i = 0; i < job->parallel; i++) {
        if (!begin(r, &r->client[i]))
            return job_failed("connect");
    }
    if (work(r, job->count / WARM_UP_SHARE, now_ns() + job->limit_ns) == -1)
        return job_failed("a request failed in the warm-up");
    unsigned before = r->done;
    if (meter_cpu(&job->meter, &from) == -1)
        return job_failed("read the CPU clock of a process");
    if (work(r, before + job->count, from.at + job->limit_ns) == -1)
        return job_failed("a request failed");
    if (meter_cpu(&job->meter, &to) == -1)
        return job_failed("read the CPU clock of a process");
    errno = ETIMEDOUT;
    if (r->done == before)
        return job_failed("no request was answered");
    printf("{\"requests\":%u,", r->done - before);
    meter_print_cpu(&job->meter, &from, &to);
    printf("}\n");
    return 0;
}

int requests(struct job *job)
{
    struct requests r = {.job = job,
                         .epoll = epoll_create1(EPOLL_CLOEXEC),
                         .client = calloc(job->parallel, sizeof *r.client)};
    unsigned port = ntohs(job->route.target.sin_port);
    r.len = (size_t)snprintf(r.request, sizeof r.request,
                             "GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                             "User-Agent: loadgen\r\nAccept: */*\r\n\r\n",
                             port, port);
    int rc = r.epoll != -1 && r.client != NULL ? measure(&r) : job_failed("requests");
    close(r.epoll);
    free(r.client);
    return rc;
}
