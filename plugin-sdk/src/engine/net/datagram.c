/* SPDX-License-Identifier: Apache-2.0 */
#include "net/datagram.h"

#include "net/intercept.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCH = 16,       /* packets of one system call */
    BATCHES = 4,      /* of one turn of one socket */
    SOCKETS = 32,     /* of one turn */
    ERRORS = 16,      /* of one turn of one socket */
    V4_OVERHEAD = 28, /* headers of IP and UDP */
    V6_OVERHEAD = 48,
    RECEIVE_BUFFER = 1024 * 1024 /* as far as the system allows: packets come in bursts */
};

/* Control messages of one packet, received or sent: its local address and its type of service. */
union control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(struct sockaddr_in6)) + CMSG_SPACE(sizeof(int))];
};

/* One direction: a slot of memory and a message header for each packet. */
struct batch_half {
    uint8_t *memory;
    struct mmsghdr header[BATCH];
    struct iovec piece[BATCH];
    union control control[BATCH];
};

struct ssp__batch {
    int epoll_fd; /* of all sockets */
    struct ssp__watch *readable;
    struct epoll_event ready[SOCKETS]; /* what this turn has still to look at: from at to end */
    int ready_at, ready_end;
    struct batch_half in, out;
    struct ssp__packet packet[BATCH]; /* in `in` */
    struct ssp__address to[BATCH];    /* of what waits in `out` */
    struct ssp__datagram *sender;     /* of all that waits */
    unsigned waiting, next;           /* next: the slot that is free */
};

static uint8_t *slot(const struct batch_half *half, unsigned i)
{
    return half->memory + (size_t)i * SSP_DATAGRAM_ROOM;
}

/* ---- the sockets of a batch ---- */

static void datagram_ready(struct ssp__datagram *d, uint32_t events);

/* A socket that closes meanwhile leaves a gap: see ssp__datagram_close(). */
static void sockets_ready(void *arg)
{
    struct ssp__batch *b = arg;
    b->ready_at = 0;
    do {
        b->ready_end = epoll_wait(b->epoll_fd, b->ready, SOCKETS, 0);
    } while (b->ready_end == -1 && errno == EINTR);
    while (b->ready_at < b->ready_end) {
        const struct epoll_event *e = &b->ready[b->ready_at++];
        if (e->data.ptr != NULL)
            datagram_ready(e->data.ptr, e->events);
    }
    b->ready_at = b->ready_end = 0;
}

/* Memory that no packet has used yet takes no page. */
struct ssp__batch *ssp__batch_new(ssp_loop *loop)
{
    struct ssp__batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->in.memory = malloc((size_t)BATCH * SSP_DATAGRAM_ROOM);
    b->out.memory = malloc((size_t)BATCH * SSP_DATAGRAM_ROOM);
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

/* ---- to the network ---- */

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

/* An earlier packet that was refused makes the kernel fail the next send, to whatever address. */
void ssp__batch_flush(struct ssp__batch *b)
{
    bool again = false;
    for (unsigned done = 0; done < b->waiting;) {
        int n = sendmmsg(b->sender->fd, b->out.header + done, b->waiting - done, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && !again && b->sender->events->refused != NULL) {
            again = true;
            continue;
        }
        if (n == -1)
            log_refused(&b->to[done]);
        again = false;
        done += n > 0 ? (unsigned)n : 1;
    }
    b->waiting = 0;
    b->sender = NULL;
}

static bool is_v4(const struct ssp__address *a)
{
    return a->u.any.sa_family == AF_INET ||
           (a->u.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr));
}

/* Puts one control message behind those of m. */
static void put_control(struct msghdr *m, union control *control, const struct cmsghdr *kind,
                        const void *value, size_t n)
{
    uint8_t *at = control->bytes + m->msg_controllen;
    struct cmsghdr header = *kind;
    header.cmsg_len = (__typeof__(header.cmsg_len))CMSG_LEN(n);
    memcpy(at, &header, sizeof header);
    memcpy(at + CMSG_LEN(0), value, n);
    m->msg_control = control;
    m->msg_controllen += (__typeof__(m->msg_controllen))CMSG_SPACE(n);
}

static void put_source(struct msghdr *m, union control *control, const struct ssp__address *from)
{
    struct in_pktinfo v4 = {.ipi_spec_dst = from->u.v4.sin_addr};
    struct in6_pktinfo v6 = {.ipi6_addr = from->u.v6.sin6_addr,
                             .ipi6_ifindex = from->u.v6.sin6_scope_id};
    if (from->u.any.sa_family == AF_INET)
        put_control(m, control,
                    &(struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO}, &v4,
                    sizeof v4);
    else
        put_control(m, control,
                    &(struct cmsghdr){.cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO}, &v6,
                    sizeof v6);
}

static void put_tos(struct msghdr *m, union control *control, const struct ssp__address *to,
                    int tos)
{
    const struct cmsghdr v4 = {.cmsg_level = IPPROTO_IP, .cmsg_type = IP_TOS};
    const struct cmsghdr v6 = {.cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_TCLASS};
    put_control(m, control, is_v4(to) ? &v4 : &v6, &tos, sizeof tos);
}

static bool too_long(const struct ssp__datagram *d, const struct ssp__address *to, size_t n)
{
    return d->mtu > 0 && n + (is_v4(to) ? V4_OVERHEAD : V6_OVERHEAD) > d->mtu;
}

void ssp__datagram_send(struct ssp__datagram *d, const struct ssp__route *way, const uint8_t *bytes,
                        size_t n)
{
    struct ssp__batch *b = d->batch;
    if (too_long(d, &way->to, n)) {
        errno = EMSGSIZE;
        log_refused(&way->to);
        return;
    }
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
    struct msghdr *m = &b->out.header[i].msg_hdr;
    if (way->from.len > 0)
        put_source(m, &b->out.control[i], &way->from);
    if (way->tos != 0)
        put_tos(m, &b->out.control[i], &way->to, way->tos);
    b->next = (b->next + 1) % BATCH;
    if (b->waiting == BATCH)
        ssp__batch_flush(b);
}

/* ---- from the network ---- */

static void take_v4(struct ssp__address *a, const uint8_t *value)
{
    struct in_pktinfo v4;
    memcpy(&v4, value, sizeof v4);
    a->u.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = v4.ipi_spec_dst};
    a->len = sizeof a->u.v4;
}

static void take_v6(struct ssp__address *a, const uint8_t *value)
{
    struct in6_pktinfo v6;
    memcpy(&v6, value, sizeof v6);
    bool local = IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr);
    a->u.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                    .sin6_addr = v6.ipi6_addr,
                                    .sin6_scope_id = local ? (uint32_t)v6.ipi6_ifindex : 0};
    a->len = sizeof a->u.v6;
}

/* The address that a packet was sent to, if the socket asks for it, see ssp__datagram_bind(), and
 * its type of service: a byte for IPv4, an int for IPv6. */
static void take_controls(const struct ssp__datagram *d, struct ssp__packet *p, struct msghdr *m)
{
    int class;
    p->reached.len = 0;
    p->tos = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        const uint8_t *value = CMSG_DATA(c);
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            take_v4(&p->reached, value);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            take_v6(&p->reached, value);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            p->tos = *value;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            memcpy(&class, value, sizeof class);
            p->tos = (uint8_t) class;
        } else {
            ssp__intercept_sent_to(c, d->own_port, &p->reached);
        }
    }
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
    int n;
    do {
        n = recvmmsg(d->fd, b->in.header, BATCH, MSG_DONTWAIT, NULL);
    } while (n == -1 && errno == EINTR);
    for (int i = 0; i < n; i++) {
        b->packet[i].bytes = b->in.piece[i].iov_base;
        b->packet[i].len = b->in.header[i].msg_len;
        b->packet[i].peer.len = b->in.header[i].msg_hdr.msg_namelen;
        take_controls(d, &b->packet[i], &b->in.header[i].msg_hdr);
    }
    return n;
}

/* One entry of the error queue.  Returns its errno, or 0 when there is none.  An error of this
 * machine has been seen by the send already. */
static int next_error(const struct ssp__datagram *d, struct ssp__address *to, bool *remote)
{
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) +
                      sizeof(union control)];
    } control;
    struct sock_extended_err e = {.ee_errno = 0};
    struct msghdr m = {.msg_name = &to->u,
                       .msg_namelen = sizeof to->u,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    if (recvmsg(d->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) == -1)
        return 0;
    to->len = m.msg_namelen;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            memcpy(&e, CMSG_DATA(c), sizeof e);
    }
    *remote = e.ee_origin == SO_EE_ORIGIN_ICMP || e.ee_origin == SO_EE_ORIGIN_ICMP6;
    return e.ee_errno != 0 ? (int)e.ee_errno : EIO;
}

/* The socket stays ready until its queue is empty.  Returns the last error that ends the way to an
 * address, or 0: a path whose MTU is smaller is still a way. */
static int take_errors(const struct ssp__datagram *d, struct ssp__address *to)
{
    struct ssp__address address;
    bool remote = false;
    int last = 0;
    for (unsigned i = 0; i < ERRORS; i++) {
        int error = next_error(d, &address, &remote);
        if (error == 0)
            break;
        if (!remote || error == EMSGSIZE)
            continue;
        last = error;
        *to = address;
    }
    return last;
}

static void datagram_ready(struct ssp__datagram *d, uint32_t events)
{
    struct ssp__address to;
    bool asked = d->events->refused != NULL && (events & EPOLLERR) != 0;
    int error = asked ? take_errors(d, &to) : 0, n = BATCH;
    for (unsigned i = 0; i < BATCHES && n == BATCH; i++) {
        n = receive(d);
        for (int at = 0; at < n; at++)
            d->events->packet(d, &d->batch->packet[at]);
        ssp__batch_flush(d->batch);
    }
    if (error != 0)
        d->events->refused(d, &to, error);
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
    if (b->sender == d)
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
