/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portthief SECONDS - takes ephemeral ports of the loopback as fast as it can.
 *
 * It goes round and round the range of the kernel, listens on what is free, and holds the last
 * quarter of the range at most, so that ports keep changing hands.  Each peer is recorded.
 * In the end, or at SIGTERM, it prints how many ports it took, and the connections and bytes it
 * got.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HELD_MAX = 8192, EVENTS = 64, SHARE = 4 };

struct thief {
    int epoll;
    int held[HELD_MAX]; /* a ring of listeners, the eldest at next; -1: none */
    size_t capacity, next;
    unsigned long taken, connections, bytes;
};

static volatile sig_atomic_t over; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */

static void stop(int signo)
{
    (void)signo;
    over = 1;
}

static void read_range(unsigned *first, unsigned *last)
{
    char text[64] = "32768 60999", *end;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file != NULL) {
        (void)!fgets(text, sizeof text, file);
        (void)fclose(file);
    }
    *first = (unsigned)strtoul(text, &end, 10);
    *last = (unsigned)strtoul(end, NULL, 10);
}

/* A connection is only ever read; the low bit of its event tells it from a listener. */
static void watch(const struct thief *t, int fd, bool is_listener)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)fd << 1 | is_listener};
    (void)epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e);
}

static void welcome(struct thief *t, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1)
            return;
        t->connections++;
        watch(t, fd, false);
    }
}

static void hear(struct thief *t, int fd)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n > 0)
        t->bytes += (unsigned long)n;
    else if (n == 0 || errno != EAGAIN)
        (void)close(fd);
}

static void look_around(struct thief *t)
{
    struct epoll_event e[EVENTS];
    int n = epoll_wait(t->epoll, e, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        int fd = (int)(e[i].data.u64 >> 1);
        if ((e[i].data.u64 & 1) != 0)
            welcome(t, fd);
        else
            hear(t, fd);
    }
}

static void release_eldest(struct thief *t)
{
    int fd = t->held[t->next];
    if (fd == -1)
        return;
    welcome(t, fd); /* who is in the backlog counts too */
    (void)close(fd);
    t->held[t->next] = -1;
}

static void take(struct thief *t, unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(port % 2 == 0 ? INADDR_LOOPBACK : INADDR_ANY);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&a, sizeof a) == -1 || listen(fd, SOMAXCONN) == -1) {
        (void)close(fd);
        return;
    }
    t->taken++;
    watch(t, fd, true);
    release_eldest(t);
    t->held[t->next] = fd;
    t->next = (t->next + 1) % t->capacity;
}

static size_t affordable(size_t wanted)
{
    struct rlimit files = {0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (wanted + 64 > files.rlim_cur)
        wanted = (size_t)files.rlim_cur / 2;
    return wanted < HELD_MAX ? wanted : HELD_MAX;
}

int main(int argc, char **argv)
{
    static struct thief t; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables): large */
    unsigned first, last;
    time_t ends = time(NULL) + (argc > 1 ? strtol(argv[1], NULL, 10) : 1);
    struct sigaction on_term = {.sa_handler = stop};
    (void)sigaction(SIGTERM, &on_term, NULL);
    read_range(&first, &last);
    t.epoll = epoll_create1(EPOLL_CLOEXEC);
    t.capacity = affordable((last - first + 1) / SHARE + 1);
    memset(t.held, -1, sizeof t.held);
    while (!over && time(NULL) < ends) {
        for (unsigned port = first; port <= last && !over; port++) {
            take(&t, port);
            if (port % SHARE == 0)
                look_around(&t);
        }
    }
    for (size_t i = 0; i < t.capacity; i++) {
        t.next = i;
        release_eldest(&t);
    }
    (void)printf("%lu ports, %lu connections, %lu bytes\n", t.taken, t.connections, t.bytes);
    return EXIT_SUCCESS;
}
