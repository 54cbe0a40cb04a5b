/* SPDX-License-Identifier: Apache-2.0 */
/*
 * byhand - a relay as a plugin author would write it by hand, without the SDK: what the
 * SDK's cost per GiB is compared with.
 *
 * It accepts at 127.0.0.1:LISTEN and dials 127.0.0.1:DIAL.  With a KEY every byte is XORed
 * with a key on its way through one buffer, and by a key of 0 only copied; without, bytes are
 * spliced.  A turn
 * of a connection is one read and one write; what a socket does not take is kept aside.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, PIPE_SIZE = 1 << 20, EVENTS = 256 };

struct pipe {
    int read_fd, write_fd;
    struct pipe *next;
};

struct end {
    int fd;
    uint32_t events; /* that epoll waits for; 0: it does not know fd */
    struct connection *connection;
};

/* One direction.  Bytes taken and not given yet are in the shared buffer, in rest, or in pipe. */
struct flow {
    struct end *from, *to;
    size_t held;
    const uint8_t *data;
    uint8_t *rest;
    struct pipe *pipe;
    bool done;
};

struct connection {
    struct end end[2];
    struct flow flow[2];
    bool dead;
    struct connection *next;
};

struct relay {
    int epoll, listener;
    struct sockaddr_in target;
    ssize_t (*take)(struct relay *, struct flow *);
    bool (*give)(struct relay *, struct flow *);
    uint8_t key;
    struct pipe *pipes;      /* empty ones */
    struct connection *dead; /* until no event can name them */
    struct epoll_event events[EVENTS];
    uint8_t buffer[BUFFER];
};

static void mix(uint8_t *data, size_t n, uint8_t key)
{
    for (size_t i = 0; i < n; i++)
        data[i] ^= key;
}

static ssize_t take_bytes(struct relay *r, struct flow *f)
{
    ssize_t n = recv(f->from->fd, r->buffer, BUFFER, 0);
    if (n <= 0)
        return n;
    if (r->key != 0)
        mix(r->buffer, (size_t)n, r->key);
    f->data = r->buffer;
    f->held = (size_t)n;
    return n;
}

static bool keep_rest(struct flow *f)
{
    if (f->held > 0 && f->rest == NULL) {
        f->rest = malloc(f->held);
        if (f->rest == NULL)
            return false;
        f->data = memcpy(f->rest, f->data, f->held);
    } else if (f->held == 0) {
        free(f->rest);
        f->rest = NULL;
    }
    return true;
}

static bool give_bytes(struct relay *r, struct flow *f)
{
    (void)r;
    ssize_t n = send(f->to->fd, f->data, f->held, MSG_NOSIGNAL);
    if (n == -1 && errno != EAGAIN)
        return false;
    size_t given = n > 0 ? (size_t)n : 0;
    f->data += given;
    f->held -= given;
    return keep_rest(f);
}

static struct pipe *pipe_take(struct relay *r)
{
    struct pipe *p = r->pipes;
    if (p != NULL) {
        r->pipes = p->next;
        return p;
    }
    int fd[2];
    p = malloc(sizeof *p);
    if (p == NULL || pipe2(fd, O_NONBLOCK | O_CLOEXEC) == -1) {
        free(p);
        return NULL;
    }
    (void)fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE); /* beyond the user's share it stays smaller */
    *p = (struct pipe){.read_fd = fd[0], .write_fd = fd[1]};
    return p;
}

static void pipe_give(struct relay *r, struct flow *f)
{
    f->pipe->next = r->pipes;
    r->pipes = f->pipe;
    f->pipe = NULL;
}

static ssize_t move(int from, int to, size_t n)
{
    return splice(from, NULL, to, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static ssize_t take_pipe(struct relay *r, struct flow *f)
{
    f->pipe = pipe_take(r);
    if (f->pipe == NULL)
        return -1;
    ssize_t n = move(f->from->fd, f->pipe->write_fd, PIPE_SIZE);
    if (n > 0) {
        f->held = (size_t)n;
        return n;
    }
    int cause = errno;
    pipe_give(r, f);
    errno = cause;
    return n;
}

static bool give_pipe(struct relay *r, struct flow *f)
{
    ssize_t n = move(f->pipe->read_fd, f->to->fd, f->held);
    if (n == -1)
        return errno == EAGAIN;
    f->held -= (size_t)n;
    if (f->held == 0)
        pipe_give(r, f);
    return true;
}

/* One read, and one write of what it brought.  False: broken. */
static bool advance(struct relay *r, struct flow *f)
{
    ssize_t n = r->take(r, f);
    if (n > 0)
        return r->give(r, f);
    if (n == -1)
        return errno == EAGAIN;
    f->done = true;
    return shutdown(f->to->fd, SHUT_WR) == 0;
}

static bool carry(struct relay *r, struct flow *f, const struct end *e, uint32_t events)
{
    bool filled = e == f->from && (events & (EPOLLIN | EPOLLHUP)) != 0;
    bool drained = e == f->to && (events & EPOLLOUT) != 0;
    if (f->held > 0)
        return !drained || r->give(r, f);
    return !filled || f->done || advance(r, f);
}

static bool expect(struct relay *r, struct end *e, const struct flow *in, const struct flow *out)
{
    struct epoll_event event = {.data.ptr = e};
    event.events = (in->held == 0 && !in->done ? EPOLLIN : 0U) | (out->held > 0 ? EPOLLOUT : 0U);
    if (event.events == e->events)
        return true;
    int change = e->events == 0 ? EPOLL_CTL_ADD : event.events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    e->events = event.events;
    return epoll_ctl(r->epoll, change, e->fd, &event) == 0;
}

static bool expect_both(struct relay *r, struct connection *l)
{
    return expect(r, &l->end[0], &l->flow[0], &l->flow[1]) &&
           expect(r, &l->end[1], &l->flow[1], &l->flow[0]);
}

static void drop(struct relay *r, struct connection *l)
{
    for (int i = 0; i < 2; i++) {
        struct flow *f = &l->flow[i];
        close(l->end[i].fd);
        free(f->rest);
        if (f->pipe != NULL) { /* not empty */
            close(f->pipe->read_fd);
            close(f->pipe->write_fd);
            free(f->pipe);
        }
    }
    l->dead = true;
    l->next = r->dead;
    r->dead = l;
}

static void stir(struct relay *r, struct end *e, uint32_t events)
{
    struct connection *l = e->connection;
    if (l->dead)
        return;
    bool sound = (events & EPOLLERR) == 0 && carry(r, &l->flow[0], e, events) &&
                 carry(r, &l->flow[1], e, events) && expect_both(r, l);
    if (!sound || (l->flow[0].done && l->flow[1].done))
        drop(r, l);
}

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    char control[16] = "";
    socklen_t size = sizeof control - 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    (void)getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, &size);
    if (strncmp(control, "bbr", 3) == 0) /* it would pace, and sleep, on loopback */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", sizeof "reno" - 1);
    return fd;
}

static void join(struct relay *r, int accepted)
{
    struct connection *l = calloc(1, sizeof *l);
    int dialed = open_socket();
    if (l == NULL || dialed == -1)
        goto fail;
    l->end[0] = (struct end){.fd = accepted, .connection = l};
    l->end[1] = (struct end){.fd = dialed, .connection = l};
    l->flow[0] = (struct flow){.from = &l->end[0], .to = &l->end[1]};
    l->flow[1] = (struct flow){.from = &l->end[1], .to = &l->end[0]};
    if (connect(dialed, (const struct sockaddr *)&r->target, sizeof r->target) == -1 &&
        errno != EINPROGRESS)
        goto fail;
    if (expect_both(r, l))
        return;

fail:
    close(accepted);
    close(dialed);
    free(l);
}

static void welcome(struct relay *r)
{
    int fd;
    while ((fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
        join(r, fd);
}

static void turn(struct relay *r)
{
    int n = epoll_wait(r->epoll, r->events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
        struct end *e = r->events[i].data.ptr;
        if (e == NULL)
            welcome(r);
        else
            stir(r, e, r->events[i].events);
    }
    while (r->dead != NULL) {
        struct connection *l = r->dead;
        r->dead = l->next;
        free(l);
    }
}

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static bool open_relay(struct relay *r, const struct sockaddr_in *at)
{
    struct epoll_event event = {.events = EPOLLIN};
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->listener = open_socket();
    (void)setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    return bind(r->listener, (const struct sockaddr *)at, sizeof *at) == 0 &&
           listen(r->listener, SOMAXCONN) == 0 &&
           epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->listener, &event) == 0;
}

int main(int argc, char **argv)
{
    bool keyed = argc == 4;
    struct relay *r = calloc(1, sizeof *r);
    if (r == NULL || (argc != 3 && !keyed)) {
        (void)fputs("usage: byhand LISTEN DIAL [KEY]\n", stderr);
        return 2;
    }
    r->take = keyed ? take_bytes : take_pipe;
    r->give = keyed ? give_bytes : give_pipe;
    r->target = loopback(argv[2]);
    r->key = keyed ? (uint8_t)strtoul(argv[3], NULL, 10) : 0;
    struct sockaddr_in at = loopback(argv[1]);
    (void)signal(SIGPIPE, SIG_IGN); /* splice has no flag against it */
    if (!open_relay(r, &at)) {
        perror("byhand: listen");
        return 1;
    }
    for (;;)
        turn(r);
}
