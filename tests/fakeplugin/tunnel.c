/* SPDX-License-Identifier: Apache-2.0 */
#include "tunnel.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 16384 };
static const char question[] = "REPORT?\n";

long now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum side { ACCEPTED, DIALED };

/* One direction: bytes of one side for the other. */
struct direction {
    char bytes[CHUNK];
    size_t from, len;
    bool ended, shut;
};

struct tunnel {
    int fd[2];                     /* dialed: -1 while the first bytes may be a question */
    struct direction direction[2]; /* by the side that it reads from */
};

/* Ends with a reset, so that nobody takes the end for a clean one. */
static void end_tunnel(struct plugin *p, size_t i)
{
    struct tunnel *t = p->tunnel[i];
    bool clean = t->direction[ACCEPTED].shut && t->direction[DIALED].shut;
    for (int s = 0; s < 2; s++) {
        if (!clean)
            (void)setsockopt(t->fd[s], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                             sizeof(struct linger));
        (void)close(t->fd[s]);
    }
    free(t);
    p->tunnel[i] = p->tunnel[--p->tunnels];
}

static int dial(const struct plugin *p, struct tunnel *t)
{
    const struct addrinfo *a = p->dialed;
    int fd = a != NULL ? socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    t->fd[DIALED] = fd;
    if (fd == -1 || (connect(fd, a->ai_addr, a->ai_addrlen) == -1 && errno != EINPROGRESS))
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return 0;
}

static void accept_one(struct plugin *p)
{
    struct tunnel *t = calloc(1, sizeof *t);
    if (t == NULL)
        return;
    t->fd[ACCEPTED] = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    t->fd[DIALED] = -1;
    (void)setsockopt(t->fd[ACCEPTED], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    p->tunnel[p->tunnels++] = t;
    if (t->fd[ACCEPTED] == -1 || (p->report == NULL && dial(p, t) == -1))
        end_tunnel(p, p->tunnels - 1);
}

/* How much may still be relayed until a fault is due; commits the fault when nothing may. */
static size_t allowance(struct plugin *p)
{
    static const int signals[] = {SIGSEGV, SIGKILL, SIGSTOP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        long *due = &p->faults.after_bytes[i];
        if (*due > p->relayed)
            return *due - p->relayed < CHUNK ? (size_t)(*due - p->relayed) : CHUNK;
        if (*due < 0)
            continue;
        *due = -1; /* once: it goes on after SIGCONT */
        (void)signal(SIGSEGV, SIG_DFL);
        (void)raise(signals[i]);
    }
    return CHUNK;
}

/* Returns -1 when the tunnel must end. */
static int receive(struct plugin *p, struct tunnel *t, enum side side)
{
    struct direction *w = &t->direction[side];
    ssize_t n = recv(t->fd[side], w->bytes, allowance(p), 0);
    if (n == -1)
        return errno == EAGAIN ? 0 : -1;
    w->ended = n == 0;
    w->from = 0;
    w->len = (size_t)n;
    p->relayed += n;
    if (t->fd[DIALED] != -1)
        return 0;
    if (w->len != sizeof question - 1 || memcmp(w->bytes, question, w->len) != 0)
        return dial(p, t);
    (void)!send(t->fd[ACCEPTED], p->report, strlen(p->report), MSG_NOSIGNAL);
    w->len = 0;
    w->ended = w->shut = t->direction[DIALED].ended = true; /* the end goes to who asked only */
    return 0;
}

static int deliver(struct tunnel *t, enum side side)
{
    struct direction *w = &t->direction[side];
    if (w->len > 0) {
        ssize_t n = send(t->fd[!side], w->bytes + w->from, w->len, MSG_NOSIGNAL);
        if (n == -1)
            return errno == EAGAIN ? 0 : -1;
        w->from += (size_t)n;
        w->len -= (size_t)n;
    }
    if (w->ended && w->len == 0 && !w->shut) {
        w->shut = true;
        (void)shutdown(t->fd[!side], SHUT_WR);
    }
    return 0;
}

static int relay(struct plugin *p, struct tunnel *t, const struct pollfd ready[2])
{
    for (int s = 0; s < 2; s++) {
        struct direction *w = &t->direction[s];
        bool readable = (ready[s].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        if (readable && w->len == 0 && !w->ended && receive(p, t, (enum side)s) == -1)
            return -1;
        if (deliver(t, (enum side)s) == -1)
            return -1;
    }
    return t->direction[ACCEPTED].shut && t->direction[DIALED].shut ? -1 : 0;
}

static void watch(const struct tunnel *t, struct pollfd out[2])
{
    for (int s = 0; s < 2; s++) {
        const struct direction *own = &t->direction[s], *other = &t->direction[!s];
        short events = 0;
        if (!own->ended && own->len == 0)
            events |= POLLIN;
        if (other->len > 0)
            events |= POLLOUT;
        out[s] = (struct pollfd){.fd = events != 0 ? t->fd[s] : -1, .events = events};
    }
}

static int patience(const struct plugin *p)
{
    if (p->ends_at == -1)
        return -1;
    long left = p->ends_at - now_ms();
    if (left <= 0)
        _exit(p->status);
    return (int)left;
}

static void go_deaf(struct plugin *p)
{
    if (p->faults.deaf_after_bytes < 0 || p->relayed < p->faults.deaf_after_bytes)
        return;
    p->faults.deaf_after_bytes = -1;
    (void)close(p->listener);
    p->listener = -1;
}

_Noreturn void serve(struct plugin *p)
{
    struct pollfd fd[2 + 2 * TUNNELS_MAX];
    for (;;) {
        go_deaf(p);
        bool room = p->tunnels < TUNNELS_MAX;
        fd[0] = (struct pollfd){.fd = room && !p->faults.accept_none ? p->listener : -1,
                                .events = POLLIN};
        fd[1] = (struct pollfd){.fd = p->faults.heed_stdin ? STDIN_FILENO : -1, .events = POLLIN};
        for (size_t i = 0; i < p->tunnels; i++)
            watch(p->tunnel[i], &fd[2 + 2 * i]);
        (void)poll(fd, 2 + 2 * p->tunnels, patience(p));
        if (fd[1].revents != 0)
            _exit(EXIT_SUCCESS);
        for (size_t i = p->tunnels; i-- > 0;) {
            if (relay(p, p->tunnel[i], &fd[2 + 2 * i]) == -1)
                end_tunnel(p, i);
        }
        if ((fd[0].revents & POLLIN) != 0)
            accept_one(p);
    }
}
