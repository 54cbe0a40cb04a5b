/* SPDX-License-Identifier: Apache-2.0 */
#include "net/datagram.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCH = 16,                  /* packets of one system call */
    BATCHES = 4,                 /* of one turn of one socket */
    RECEIVE_BUFFER = 1024 * 1024 /* as far as the system allows: packets come in bursts */
};

/* Control message with the local address of one packet, received or sent. */
union control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* One direction: a slot of memory and a message header for each packet. */
struct batch_half {
    uint8_t *memory;
    struct mmsghdr header[BATCH];
    struct iovec piece[BATCH];
    union control control[BATCH];
};

struct ssp__batch {
    struct batch_half in, out;
    struct ssp__packet packet[BATCH]; /* in `in` */
    struct ssp__address to[BATCH];    /* of what waits in `out` */
    struct ssp__datagram *sender;     /* of all that waits */
    unsigned waiting, next;           /* next: the slot that is free */
};

struct ssp__datagram {
    int fd;
    struct ssp__batch *batch;
    struct event *readable;
    ssp__packet_fn *on_packet;
    void *arg;
};

static uint8_t *slot(const struct batch_half *half, unsigned i)
{
    return half->memory + (size_t)i * SSP_DATAGRAM_ROOM;
}

/* Memory that no packet has used yet takes no page. */
struct ssp__batch *ssp__batch_new(void)
{
    struct ssp__batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->in.memory = malloc((size_t)BATCH * SSP_DATAGRAM_ROOM);
    b->out.memory = malloc((size_t)BATCH * SSP_DATAGRAM_ROOM);
    if (b->in.memory == NULL || b->out.memory == NULL) {
        ssp__batch_free(b);
        return NULL;
    }
    return b;
}

void ssp__batch_free(struct ssp__batch *b)
{
    if (b == NULL)
        return;
    free(b->in.memory);
    free(b->out.memory);
    free(b);
}

uint8_t *ssp__batch_room(struct ssp__batch *b)
{
    return slot(&b->out, b->next);
}

static void log_refused(const struct ssp__address *to)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    int error = errno;
    if (!ssp_log_verbose())
        return;
    ssp__address_format(to, text, sizeof text);
    ssp_debug("udp: send to %s: %s", text, strerror(error));
}

void ssp__batch_flush(struct ssp__batch *b)
{
    for (unsigned done = 0; done < b->waiting;) {
        int n = sendmmsg(b->sender->fd, b->out.header + done, b->waiting - done, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            log_refused(&b->to[done]);
        done += n > 0 ? (unsigned)n : 1;
    }
    b->waiting = 0;
    b->sender = NULL;
}

static void put_source(struct msghdr *m, union control *control, const struct ssp__address *from)
{
    bool v4 = from->u.any.sa_family == AF_INET;
    struct in_pktinfo v4_info = {.ipi_spec_dst = from->u.v4.sin_addr};
    struct in6_pktinfo v6_info = {.ipi6_addr = from->u.v6.sin6_addr,
                                  .ipi6_ifindex = from->u.v6.sin6_scope_id};
    socklen_t len = v4 ? sizeof v4_info : sizeof v6_info;
    m->msg_control = control;
    m->msg_controllen = (socklen_t)CMSG_SPACE(len);
    control->header = (struct cmsghdr){.cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6,
                                       .cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO,
                                       .cmsg_len = (socklen_t)CMSG_LEN(len)};
    memcpy(CMSG_DATA(&control->header), v4 ? (void *)&v4_info : &v6_info, len);
}

void ssp__datagram_send(struct ssp__datagram *d, const struct ssp__route *way, const uint8_t *bytes,
                        size_t n)
{
    struct ssp__batch *b = d->batch;
    if (b->sender != d)
        ssp__batch_flush(b);
    unsigned i = b->waiting++;
    b->sender = d;
    b->to[i] = way->to;
    b->out.piece[i] = (struct iovec){(void *)(uintptr_t)bytes, n};
    b->out.header[i].msg_hdr = (struct msghdr){.msg_name = &b->to[i].u,
                                               .msg_namelen = way->to.len,
                                               .msg_iov = &b->out.piece[i],
                                               .msg_iovlen = 1};
    if (way->from.len > 0)
        put_source(&b->out.header[i].msg_hdr, &b->out.control[i], &way->from);
    b->next = (b->next + 1) % BATCH;
    if (b->waiting == BATCH)
        ssp__batch_flush(b);
}

/* The address that a packet was sent to, if the socket asks for it: see ssp__datagram_bind(). */
static struct ssp__address reached(struct msghdr *m)
{
    struct ssp__address a = {.len = 0};
    const struct cmsghdr *c = CMSG_FIRSTHDR(m);
    struct in_pktinfo v4;
    struct in6_pktinfo v6;
    if (c != NULL && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        memcpy(&v4, CMSG_DATA(c), sizeof v4);
        a.u.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = v4.ipi_spec_dst};
        a.len = sizeof a.u.v4;
    } else if (c != NULL && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        memcpy(&v6, CMSG_DATA(c), sizeof v6);
        bool local = IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr);
        a.u.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                       .sin6_addr = v6.ipi6_addr,
                                       .sin6_scope_id = local ? (uint32_t)v6.ipi6_ifindex : 0};
        a.len = sizeof a.u.v6;
    }
    return a;
}

static int receive(const struct ssp__datagram *d)
{
    struct ssp__batch *b = d->batch;
    for (unsigned i = 0; i < BATCH; i++) {
        b->in.piece[i] =
            (struct iovec){slot(&b->in, i) + SSP_DATAGRAM_HEADROOM, SSP_DATAGRAM_MAX + 1};
        b->in.header[i].msg_hdr = (struct msghdr){.msg_name = &b->packet[i].peer.u,
                                                  .msg_namelen = sizeof b->packet[i].peer.u,
                                                  .msg_iov = &b->in.piece[i],
                                                  .msg_iovlen = 1,
                                                  .msg_control = &b->in.control[i],
                                                  .msg_controllen = sizeof b->in.control[i]};
    }
    int n = recvmmsg(d->fd, b->in.header, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        b->packet[i].bytes = b->in.piece[i].iov_base;
        b->packet[i].len = b->in.header[i].msg_len;
        b->packet[i].peer.len = b->in.header[i].msg_hdr.msg_namelen;
        b->packet[i].reached = reached(&b->in.header[i].msg_hdr);
    }
    return n;
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ssp__datagram *d = arg;
    int n = BATCH;
    for (unsigned i = 0; i < BATCHES && n == BATCH; i++) {
        n = receive(d);
        for (int at = 0; at < n; at++)
            d->on_packet(d->arg, d, &d->batch->packet[at]);
        ssp__batch_flush(d->batch);
    }
}

struct ssp__datagram *ssp__datagram_open(ssp_loop *loop, struct ssp__batch *batch, int fd,
                                         ssp__packet_fn *on_packet, void *arg)
{
    struct ssp__datagram *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)close(fd);
        return NULL;
    }
    *d = (struct ssp__datagram){.fd = fd, .batch = batch, .on_packet = on_packet, .arg = arg};
    d->readable = event_new(ssp__loop_base(loop), fd, EV_READ | EV_PERSIST, readable, d);
    if (d->readable != NULL && event_add(d->readable, NULL) == 0)
        return d;
    ssp__datagram_close(d);
    return NULL;
}

void ssp__datagram_close(struct ssp__datagram *d)
{
    if (d == NULL)
        return;
    if (d->batch->sender == d)
        ssp__batch_flush(d->batch);
    if (d->readable != NULL)
        event_free(d->readable);
    (void)close(d->fd);
    free(d);
}

static void set(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static int give_up(int fd)
{
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

/* A socket bound to all addresses has to answer from the one that the client reached. */
static void tell_reached(int fd, const struct ssp__address *a)
{
    if (a->u.any.sa_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, IN6_IS_ADDR_UNSPECIFIED(&a->u.v6.sin6_addr));
    else
        set(fd, IPPROTO_IP, IP_PKTINFO, a->u.v4.sin_addr.s_addr == htonl(INADDR_ANY));
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
    tell_reached(fd, a);
    return ssp__socket_bind(fd, a) == 0 ? fd : give_up(fd);
}

int ssp__datagram_outgoing(int family, const struct ssp__socket_options *o, const char **why)
{
    const struct ssp__address *from = family == AF_INET ? o->bind_v4 : o->bind_v6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    if (o->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
                                           (socklen_t)strlen(o->interface)) == -1)
        return give_up(fd);
    if (from != NULL && bind(fd, &from->u.any, from->len) == -1)
        return give_up(fd);
    if (ssp__socket_mark(fd, o, why) == -1)
        return give_up(fd);
    return fd;
}
