/* SPDX-License-Identifier: Apache-2.0 */
#include "check/trip.h"

#include "base/retry.h"

#include <ssplugin/env.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUIET_MS = 150 };

static void take_flight(struct trip *t, const uint8_t *bytes, size_t n)
{
    size_t room = t->flight_cap - t->flight_len, take = n < room ? n : room;
    if (take > 0)
        memcpy(t->flight + t->flight_len, bytes, take);
    t->flight_len += take;
    t->last_us = clock_us();
    t->arrived = t->arrived || n > 0;
}

/* A connection whose first bytes are not our token is foreign. */
static void read_conn(struct trip *t, struct trip_conn *g)
{
    uint8_t bytes[4096];
    ssize_t n = ssp__recv(g->fd, bytes, sizeof bytes, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            (void)close(g->fd);
            g->fd = -1;
        }
        return;
    }
    if (t->flight != NULL) {
        take_flight(t, bytes, (size_t)n);
        return;
    }
    for (ssize_t i = 0; i < n; i++, g->heard++) {
        if (g->heard >= TOKEN || bytes[i] != t->token[g->heard]) {
            (void)close(g->fd);
            g->fd = -1;
            return;
        }
    }
    t->arrived = t->arrived || g->heard == TOKEN;
    if (g->heard == TOKEN)
        (void)!ssp__send(g->fd, t->answer, TOKEN, MSG_NOSIGNAL);
}

static void welcome(struct trip *t, unsigned index)
{
    int type = 0, fd = t->testbed->listener[index];
    socklen_t len = sizeof type;
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    if (type == SOCK_DGRAM) {
        uint8_t bytes[4096];
        ssize_t n = ssp__recv(fd, bytes, sizeof bytes, 0);
        if (n > 0 && t->flight != NULL)
            take_flight(t, bytes, (size_t)n);
        return;
    }
    int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (conn == -1)
        return;
    if (t->conns == CONNS_MAX) {
        (void)close(conn);
        return;
    }
    (void)setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    t->testbed->came_out = index;
    t->came_out++;
    t->conn[t->conns++] = (struct trip_conn){.fd = conn};
}

static void hear_answer(struct trip *t)
{
    uint8_t bytes[TOKEN];
    ssize_t n = ssp__recv(t->fd, bytes, sizeof bytes, 0);
    if (n == -1 && errno == EAGAIN)
        return;
    if (n <= 0)
        t->ended = n == 0 ? "closed" : strerror(errno);
    for (ssize_t i = 0; i < n; i++, t->heard++) {
        if (t->heard >= TOKEN || bytes[i] != t->answer[t->heard])
            t->ended = "answered with other bytes";
    }
}

static void speak(struct trip *t)
{
    ssize_t n = ssp__send(t->fd, t->token + t->sent, TOKEN - t->sent, MSG_NOSIGNAL);
    if (n > 0)
        t->sent += (size_t)n;
    else if (errno != EAGAIN)
        t->ended = strerror(errno);
}

static void turn(struct trip *t, int ms)
{
    struct pollfd fds[1 + TESTBED_LISTENERS + CONNS_MAX];
    unsigned n = 0, listeners = t->testbed->listeners, conns = t->conns;
    short events = t->sent < TOKEN ? POLLOUT : POLLIN;
    fds[n++] = (struct pollfd){.fd = t->ended != NULL ? -1 : t->fd, .events = events};
    for (unsigned i = 0; i < listeners; i++)
        fds[n++] = (struct pollfd){.fd = t->testbed->listener[i], .events = POLLIN};
    for (unsigned i = 0; i < conns; i++)
        fds[n++] = (struct pollfd){.fd = t->conn[i].fd, .events = POLLIN};
    if (poll(fds, n, ms) <= 0)
        return;
    if (fds[0].revents != 0 && t->sent < TOKEN)
        speak(t);
    else if (fds[0].revents != 0)
        hear_answer(t);
    for (unsigned i = 0; i < listeners; i++) {
        if (fds[1 + i].revents != 0)
            welcome(t, i);
    }
    for (unsigned i = 0; i < conns; i++) {
        if (fds[1 + listeners + i].revents != 0)
            read_conn(t, &t->conn[i]);
    }
}

void trip_begin(struct trip *t, struct testbed *s, int fd)
{
    int error = errno;
    *t = (struct trip){.testbed = s, .fd = fd};
    if (getrandom(t->token, TOKEN, 0) != TOKEN)
        _exit(SSP_EXIT_OS);
    for (size_t i = 0; i < TOKEN; i++) {
        t->token[i] = (uint8_t)('a' + t->token[i] % 26);
        t->answer[i] = (uint8_t)(t->token[i] - 'a' + 'A'); /* an echo is no answer */
    }
    if (t->fd == -1)
        t->ended = strerror(error);
}

void trip_end(struct trip *t)
{
    if (t->fd != -1)
        (void)close(t->fd);
    for (unsigned i = 0; i < t->conns; i++) {
        if (t->conn[i].fd != -1)
            (void)close(t->conn[i].fd);
    }
}

static bool trip_over(const struct trip *t, int64_t deadline)
{
    bool quiet =
        t->flight != NULL && t->arrived &&
        (clock_us() - t->last_us > (int64_t)QUIET_MS * 1000 || t->flight_len == t->flight_cap);
    return quiet || t->heard == TOKEN || clock_us() >= deadline ||
           (t->ended != NULL && t->flight == NULL);
}

void trip_run(struct trip *t, unsigned ms)
{
    int64_t deadline = clock_us() + (int64_t)ms * 1000;
    while (!trip_over(t, deadline))
        turn(t, t->flight != NULL ? 10 : 50);
}
