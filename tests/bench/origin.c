/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 256, MAX_PEERS = 65536 };

static const uint8_t magic[4] = {'L', 'G', 'E', 'N'};

struct peer {
    int fd;
    enum task task;
    unsigned stream;
    uint64_t offset;
};

struct service {
    const struct origin *origin;
    int epoll;
    int listener;
    struct peer *peers; /* by descriptor */
    size_t capacity;
    uint8_t buffer[SLICE];
};

void origin_request(uint8_t request[static REQUEST_SIZE], enum task task, unsigned stream)
{
    memcpy(request, magic, sizeof magic);
    request[4] = (uint8_t)task;
    request[5] = 0;
    request[6] = (uint8_t)stream;
    request[7] = (uint8_t)(stream >> 8);
}

void origin_count(const struct origin *origin, unsigned stream, uint64_t offset,
                  const uint8_t *data, size_t n)
{
    struct counts *t = origin->counts;
    if (!pattern_matches(origin->pattern, offset, data, n))
        atomic_fetch_add_explicit(&t->mismatches, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->stream[stream], n, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->arrived, n, memory_order_relaxed);
}

ssize_t origin_push(const struct origin *origin, int fd, uint64_t offset)
{
    ssize_t n = send(fd, pattern_at(origin->pattern, offset), SLICE, MSG_NOSIGNAL);
    if (n > 0)
        atomic_fetch_add_explicit(&origin->counts->sent, (uint64_t)n, memory_order_relaxed);
    return n;
}

/* The steps of a peer: each returns false when the connection is over. */

static bool would_block(ssize_t n)
{
    return n == -1 && errno == EAGAIN;
}

/* Stays open without being watched: an event after this is the client's departure. */
static bool park(struct service *s, struct peer *p)
{
    struct epoll_event event = {.events = 0, .data.ptr = p};
    p->task = TASK_NONE;
    atomic_fetch_add(&s->origin->counts->parked, 1);
    return epoll_ctl(s->epoll, EPOLL_CTL_MOD, p->fd, &event) == 0;
}

static bool send_pattern(struct service *s, struct peer *p)
{
    if (atomic_load(&s->origin->counts->stop))
        return park(s, p);
    ssize_t n = origin_push(s->origin, p->fd, p->offset);
    if (n <= 0)
        return would_block(n);
    p->offset += (size_t)n;
    return true;
}

static bool eat_pattern(struct service *s, struct peer *p)
{
    ssize_t n = recv(p->fd, s->buffer, SLICE, 0);
    if (n <= 0)
        return would_block(n);
    origin_count(s->origin, p->stream, p->offset, s->buffer, (size_t)n);
    p->offset += (size_t)n;
    return true;
}

/* Echoed messages are small: one that does not fit the socket's buffer ends the connection. */
static bool echo(struct service *s, struct peer *p)
{
    ssize_t n = recv(p->fd, s->buffer, SLICE, 0);
    if (n <= 0)
        return would_block(n);
    return send(p->fd, s->buffer, (size_t)n, MSG_NOSIGNAL) == n;
}

/* A client has one request under way, whose head ends what has come. */
static bool answer_http(struct service *s, struct peer *p)
{
    static const char end[] = "\r\n\r\n";
    char answer[256];
    ssize_t n = recv(p->fd, s->buffer, SLICE, 0);
    if (n <= 0)
        return would_block(n);
    if (n < 4 || memcmp(s->buffer + n - 4, end, 4) != 0)
        return true;
    int head =
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d%s", HTTP_BODY, end);
    memset(answer + head, 'x', HTTP_BODY);
    return send(p->fd, answer, (size_t)head + HTTP_BODY, MSG_NOSIGNAL) == head + HTTP_BODY;
}

/* Peeks, because an echo returns the request as well. */
static bool learn_task(struct service *s, struct peer *p)
{
    uint8_t request[REQUEST_SIZE];
    ssize_t n = recv(p->fd, request, sizeof request, MSG_PEEK);
    if (n <= 0)
        return would_block(n);
    if (n < REQUEST_SIZE)
        return true;

    if (memcmp(request, "GET ", 4) == 0) {
        p->task = TASK_HTTP;
        return answer_http(s, p);
    }
    unsigned stream = request[6] | (unsigned)request[7] << 8;
    if (memcmp(request, magic, sizeof magic) != 0 || request[4] >= TASK_COUNT ||
        stream >= MAX_STREAMS)
        return false;
    p->task = (enum task)request[4];
    p->stream = stream;
    if (p->task == TASK_ECHO)
        return echo(s, p);

    struct epoll_event event = {.events = p->task == TASK_SEND ? EPOLLOUT : EPOLLIN, .data.ptr = p};
    return recv(p->fd, request, sizeof request, 0) == REQUEST_SIZE &&
           epoll_ctl(s->epoll, EPOLL_CTL_MOD, p->fd, &event) == 0;
}

static bool advance(struct service *s, struct peer *p)
{
    static bool (*const step[TASK_COUNT])(struct service *, struct peer *) = {
        [TASK_NONE] = learn_task, [TASK_SEND] = send_pattern, [TASK_EAT] = eat_pattern,
        [TASK_ECHO] = echo,       [TASK_HTTP] = answer_http,
    };
    return step[p->task](s, p);
}

static bool admit(struct service *s, int fd)
{
    if ((size_t)fd >= s->capacity)
        return false;
    s->peers[fd] = (struct peer){.fd = fd};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &s->peers[fd]};
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0 &&
           epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void welcome(struct service *s)
{
    int fd;
    while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
        if (!admit(s, fd))
            close(fd);
    }
}

static void turn(struct service *s)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(s->epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
        struct peer *p = events[i].data.ptr;
        if (p == NULL)
            welcome(s);
        else if ((events[i].events & EPOLLERR) != 0 || !advance(s, p))
            close(p->fd);
    }
}

static _Noreturn void serve(const struct origin *origin, int listener, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(1);
    struct rlimit limit;
    struct service *s = malloc(sizeof *s);
    if (s == NULL || getrlimit(RLIMIT_NOFILE, &limit) == -1)
        _exit(1);
    s->origin = origin;
    s->listener = listener;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->capacity = limit.rlim_cur < MAX_PEERS ? (size_t)limit.rlim_cur : MAX_PEERS;
    s->peers = calloc(s->capacity, sizeof *s->peers);
    struct epoll_event event = {.events = EPOLLIN};
    if (s->peers == NULL || epoll_ctl(s->epoll, EPOLL_CTL_ADD, listener, &event) == -1)
        _exit(1);
    for (;;)
        turn(s);
}

static int open_listener(struct sockaddr_in *address, uint16_t port)
{
    *address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    /* A given port may be that of an origin whose connections still end. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == -1 ||
        bind(fd, (struct sockaddr *)address, length) == -1 || listen(fd, SOMAXCONN) == -1 ||
        getsockname(fd, (struct sockaddr *)address, &length) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

int origin_start(struct origin *origin, const struct pattern *pattern, uint16_t port)
{
    *origin = (struct origin){.pid = -1, .pattern = pattern};
    origin->counts = mmap(NULL, sizeof *origin->counts, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (origin->counts == MAP_FAILED)
        return -1;
    int listener = open_listener(&origin->address, port);
    if (listener == -1)
        return -1;

    pid_t parent = getpid();
    origin->pid = fork();
    if (origin->pid == 0)
        serve(origin, listener, parent);
    close(listener);
    return origin->pid == -1 ? -1 : 0;
}

void origin_stop(struct origin *origin)
{
    if (origin->pid <= 0)
        return;
    kill(origin->pid, SIGKILL);
    waitpid(origin->pid, NULL, 0);
    origin->pid = -1;
}
