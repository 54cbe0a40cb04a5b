/* SPDX-License-Identifier: Apache-2.0 */
/* datagram.c - the sockets of a batch. */
#include "net/datagram_impl.h"

#include "net/intercept.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { RECEIVE_BUFFER = 1024 * 1024 /* as far as the system allows: packets come in bursts */ };

/* A socket that closes meanwhile leaves a gap: see ssp__datagram_close(). */
static void sockets_ready(void *arg)
{
    struct ssp__batch *b = arg;
    b->ready_at = 0;
    do {
        b->ready_end = epoll_wait(b->epoll_fd, b->ready, SSP_BATCH_SOCKETS, 0);
    } while (b->ready_end == -1 && errno == EINTR);
    while (b->ready_at < b->ready_end) {
        const struct epoll_event *e = &b->ready[b->ready_at++];
        if (e->data.ptr != NULL)
            ssp__datagram_ready(e->data.ptr, e->events);
    }
    b->ready_at = b->ready_end = 0;
    ssp__batch_flush(b);
}

/* Memory that no packet has used yet takes no page. */
struct ssp__batch *ssp__batch_new(ssp_loop *loop)
{
    struct ssp__batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->in.memory = malloc((size_t)SSP_BATCH_IN * SSP_DATAGRAM_ROOM);
    b->out.memory = malloc((size_t)SSP_OUT_MEMORY + SSP_DATAGRAM_ROOM);
    b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (b->epoll_fd != -1)
        b->readable = ssp__watch_open(loop, b->epoll_fd, sockets_ready, b);
    if (b->in.memory != NULL && b->out.memory != NULL && b->readable != NULL)
        return b;
    ssp__batch_free(b);
    return NULL;
}

void ssp__batch_free(struct ssp__batch *b)
{
    if (b == NULL)
        return;
    ssp__watch_close(b->readable);
    if (b->epoll_fd != -1)
        (void)close(b->epoll_fd);
    free(b->in.memory);
    free(b->out.memory);
    free(b);
}

/* ---- opening and closing ---- */

static void set(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

/* An IPv6 socket may have IPv4 peers; an IPv4 socket refuses the options of the other. */
static void ask_kernel(int fd, bool errors)
{
    set(fd, IPPROTO_IP, IP_RECVTOS, 1);
    set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    set(fd, SOL_UDP, UDP_GRO, 1);
    if (!errors)
        return;
    set(fd, IPPROTO_IP, IP_RECVERR, 1);
    set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

static int give_up(int fd)
{
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

int ssp__datagram_open(struct ssp__datagram *d, struct ssp__batch *batch, int fd, unsigned mtu,
                       const struct ssp__datagram_events *events)
{
    struct epoll_event readable = {.events = EPOLLIN, .data.ptr = d};
    ask_kernel(fd, events->refused != NULL);
    if (epoll_ctl(batch->epoll_fd, EPOLL_CTL_ADD, fd, &readable) == -1)
        return give_up(fd);
    *d = (struct ssp__datagram){.batch = batch, .events = events, .fd = fd, .mtu = (uint16_t)mtu};
    return 0;
}

/* A connect leaves the former source, and one that fails the former peer. */
bool ssp__datagram_connect(struct ssp__datagram *d, const struct ssp__address *to)
{
    static const struct sockaddr none = {.sa_family = AF_UNSPEC};
    if (d->batch->out.sender == d)
        ssp__batch_flush(d->batch);
    if (d->connected)
        (void)connect(d->fd, &none, sizeof none);
    d->connected = to != NULL && connect(d->fd, &to->u.any, to->len) == 0;
    return d->connected;
}

bool ssp__datagram_same_source(const struct ssp__datagram *d, int fd)
{
    struct ssp__address own = {.len = sizeof own.u}, other = {.len = sizeof other.u};
    return getsockname(d->fd, &own.u.any, &own.len) == 0 &&
           getsockname(fd, &other.u.any, &other.len) == 0 && ssp__address_same_host(&own, &other);
}

int ssp__datagram_share(const struct ssp__datagram *d)
{
    return fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
}

/* Another one may have the socket, too, so that its end does not end the wait for it. */
void ssp__datagram_mute(struct ssp__datagram *d)
{
    struct ssp__batch *b = d->batch;
    for (int i = b->ready_at; i < b->ready_end; i++) {
        if (b->ready[i].data.ptr == d)
            b->ready[i].data.ptr = NULL;
    }
    (void)epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, d->fd, NULL);
}

void ssp__datagram_close(struct ssp__datagram *d)
{
    struct ssp__batch *b = d->batch;
    if (b == NULL)
        return;
    if (b->out.sender == d)
        ssp__batch_flush(b);
    ssp__datagram_mute(d);
    (void)close(d->fd);
    d->batch = NULL;
}

/* A socket bound to all addresses has to answer from the one that the client reached. */
static void tell_reached(int fd, const struct ssp__address *a)
{
    if (a->u.any.sa_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, IN6_IS_ADDR_UNSPECIFIED(&a->u.v6.sin6_addr));
    else
        set(fd, IPPROTO_IP, IP_PKTINFO, a->u.v4.sin_addr.s_addr == htonl(INADDR_ANY));
}

/* The kernel then refuses what exceeds the MTU of the path, too, once it knows that. */
static void forbid_fragments(int fd, unsigned mtu)
{
    if (mtu == 0)
        return;
    set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
}

/* Without SO_REUSEADDR: for UDP it would let any process share the port. */
int ssp__datagram_bind(const struct ssp__address *a, const struct ssp__socket_options *o)
{
    int fd = socket(a->u.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    if (o->reuse_port)
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (a->u.any.sa_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->v6only);
    if (o->intercept == SSP_NO_INTERCEPT)
        tell_reached(fd, a);
    else if (ssp__intercept_packets(fd, a->u.any.sa_family, o) == -1)
        return give_up(fd);
    forbid_fragments(fd, o->mtu);
    return ssp__socket_bind(fd, a) == 0 ? fd : give_up(fd);
}

int ssp__datagram_outgoing(int family, const struct ssp__socket_options *o, const char **why)
{
    const struct ssp__address *from = family == AF_INET ? o->bind_v4 : o->bind_v6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    if (o->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
                                           (socklen_t)strlen(o->interface)) == -1)
        return give_up(fd);
    if (from != NULL && bind(fd, &from->u.any, from->len) == -1)
        return give_up(fd);
    if (ssp__socket_mark(fd, o, why) == -1)
        return give_up(fd);
    forbid_fragments(fd, o->mtu);
    return fd;
}
