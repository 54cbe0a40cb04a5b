/* SPDX-License-Identifier: Apache-2.0 */
/* datagram_receive.c - messages that have come are packets, or runs of them. */
#include "net/datagram_impl.h"

#include "net/intercept.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    BATCHES = 4,      /* of one turn of one socket, while each is full */
    PACKETS_MAX = 64, /* of one turn of one socket, before another batch */
    ERRORS = 16       /* of one turn of one socket */
};

/* ---- control messages ---- */

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
 * its type of service: a byte for IPv4, an int for IPv6.  Returns the size of the packets of a run,
 * or 0. */
static size_t take_controls(const struct ssp__datagram *d, struct ssp__packet *p, struct msghdr *m)
{
    int value = 0;
    size_t size = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        const uint8_t *bytes = CMSG_DATA(c);
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            take_v4(&p->reached, bytes);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            take_v6(&p->reached, bytes);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            p->tos = *bytes;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            memcpy(&value, bytes, sizeof value);
            p->tos = (uint8_t)value;
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&value, bytes, sizeof value);
            size = value > 0 ? (size_t)value : 0;
        } else {
            ssp__intercept_sent_to(c, d->own_port, &p->reached);
        }
    }
    return size;
}

/* ---- packets ---- */

/* Returns the number of messages, or -1. */
static int receive(const struct ssp__datagram *d)
{
    struct ssp__inbox *in = &d->batch->in;
    for (unsigned i = 0; i < SSP_BATCH_IN; i++) {
        uint8_t *slot = in->memory + (size_t)i * SSP_DATAGRAM_ROOM;
        in->piece[i] = (struct iovec){slot + SSP_DATAGRAM_HEADROOM, SSP_DATAGRAM_MAX + 1};
        in->message[i].msg_hdr = (struct msghdr){.msg_name = &in->peer[i].u,
                                                 .msg_namelen = sizeof in->peer[i].u,
                                                 .msg_iov = &in->piece[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = &in->control[i],
                                                 .msg_controllen = sizeof in->control[i]};
    }
    int n;
    do {
        n = recvmmsg(d->fd, in->message, SSP_BATCH_IN, MSG_DONTWAIT, NULL);
    } while (n == -1 && errno == EINTR);
    return n;
}

/* The headroom of a packet of a run is the packet before it, which is done with.  Returns the
 * number of packets. */
static unsigned hand_over(struct ssp__datagram *d, unsigned i)
{
    struct ssp__inbox *in = &d->batch->in;
    struct msghdr *m = &in->message[i].msg_hdr;
    struct ssp__packet whole = {
        .bytes = in->piece[i].iov_base, .len = in->message[i].msg_len, .peer = in->peer[i]};
    whole.peer.len = m->msg_namelen;
    size_t size = take_controls(d, &whole, m), at = 0;
    unsigned packets = 0;
    do {
        struct ssp__packet p = whole;
        p.bytes += at;
        p.len -= at;
        if (size > 0 && p.len > size)
            p.len = size;
        at += p.len;
        packets++;
        d->events->packet(d, &p);
    } while (at < whole.len);
    return packets;
}

static void take_packets(struct ssp__datagram *d)
{
    unsigned packets = 0;
    for (unsigned i = 0; i < BATCHES && packets < PACKETS_MAX; i++) {
        int n = receive(d);
        for (int at = 0; at < n; at++)
            packets += hand_over(d, (unsigned)at);
        if (n < SSP_BATCH_IN)
            return;
    }
}

/* ---- errors ---- */

/* One entry of the error queue.  Returns its errno, or 0 when there is none.  An error of this
 * machine has been seen by the send already. */
static int next_error(const struct ssp__datagram *d, struct ssp__address *to, bool *remote)
{
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) +
                      sizeof(union ssp__control)];
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

void ssp__datagram_ready(struct ssp__datagram *d, uint32_t events)
{
    struct ssp__address to;
    bool asked = d->events->refused != NULL && (events & EPOLLERR) != 0;
    int error = asked ? take_errors(d, &to) : 0;
    take_packets(d);
    if (error == 0)
        return;
    ssp__batch_flush(d->batch); /* the socket may be closed */
    d->events->refused(d, &to, error);
}
