/* SPDX-License-Identifier: Apache-2.0 */
/* datagram_send.c - packets that wait leave as few messages as they can. */
#include "net/datagram_impl.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    V4_OVERHEAD = 28, /* headers of IP and UDP */
    V6_OVERHEAD = 48,
    ALIGNMENT = 64,        /* of packets that wait */
    SEGMENTS_MAX = 64,     /* of one message: as many as the first kernels take */
    MESSAGE_MAX = 65000,   /* bytes of a run */
    SEGMENT_MTU = 1500,    /* longer packets are not put in runs: few networks have a larger one */
    ALONE_FOR = UINT16_MAX /* packets, after the kernel has refused a run */
};

uint8_t *ssp__batch_room(struct ssp__batch *b)
{
    return b->out.memory + b->out.used;
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

bool ssp__datagram_is_v4(const struct ssp__address *a)
{
    return a->u.any.sa_family == AF_INET ||
           (a->u.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr));
}

static size_t overhead_of(const struct ssp__address *to)
{
    return ssp__datagram_is_v4(to) ? V4_OVERHEAD : V6_OVERHEAD;
}

/* ---- the control messages of a packet ---- */

/* Puts one control message behind those of m. */
static void put_control(struct msghdr *m, union ssp__control *control, const struct cmsghdr *kind,
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

static void put_source(struct msghdr *m, union ssp__control *control,
                       const struct ssp__address *from)
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

static void put_tos(struct msghdr *m, union ssp__control *control, const struct ssp__address *to,
                    int tos)
{
    const struct cmsghdr v4 = {.cmsg_level = IPPROTO_IP, .cmsg_type = IP_TOS};
    const struct cmsghdr v6 = {.cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_TCLASS};
    put_control(m, control, ssp__datagram_is_v4(to) ? &v4 : &v6, &tos, sizeof tos);
}

/* ---- runs ---- */

static bool same_way(const struct ssp__outbox *o, unsigned a, unsigned b)
{
    size_t n = o->packet[a].msg_controllen;
    return n == o->packet[b].msg_controllen && ssp__address_same(&o->to[a], &o->to[b]) &&
           (n == 0 || memcmp(&o->control[a], &o->control[b], n) == 0);
}

/* How many packets, from the first on, one message may carry. */
static unsigned run_from(const struct ssp__outbox *o, unsigned first)
{
    const struct iovec *piece = &o->piece[first];
    size_t size = piece->iov_len, total = size;
    unsigned n = 1, most = o->waiting - first;
    if (o->sender->alone > 0 || size == 0 || size + overhead_of(&o->to[first]) > SEGMENT_MTU)
        return 1;
    most = most < SEGMENTS_MAX ? most : SEGMENTS_MAX;
    while (n < most && piece[n - 1].iov_len == size && piece[n].iov_len > 0 &&
           piece[n].iov_len <= size && total + piece[n].iov_len <= MESSAGE_MAX &&
           same_way(o, first, first + n))
        total += piece[n++].iov_len;
    return n;
}

/* A packet that goes alone is a message as it is. */
static void compose_one(struct ssp__outbox *o, struct msghdr *m, unsigned first, unsigned n)
{
    const uint16_t size = (uint16_t)o->piece[first].iov_len;
    *m = o->packet[first];
    m->msg_iovlen = (__typeof__(m->msg_iovlen))n; /* an int for musl, a size_t for glibc */
    if (n > 1)
        put_control(m, &o->control[first],
                    &(struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT}, &size,
                    sizeof size);
}

/* Makes messages of all that waits from `done` on.  Returns their number. */
static unsigned compose(struct ssp__outbox *o, unsigned done)
{
    unsigned messages = 0;
    while (done < o->waiting) {
        unsigned n = run_from(o, done);
        compose_one(o, &o->message[messages].msg_hdr, done, n);
        o->run[messages++] = (uint8_t)n;
        done += n;
    }
    return messages;
}

/* Packets of a run that is refused go alone: an error may be of one of them, or of the time.  A
 * route whose MTU is smaller, a device that cannot check sums and a kernel before 4.18 refuse every
 * run; routes change, so that runs are tried again. */
static void refuse_run(struct ssp__datagram *sender, unsigned packets, int error)
{
    bool lasts = error == EINVAL || error == EIO || error == EMSGSIZE;
    sender->alone = lasts ? ALONE_FOR : (uint16_t)packets;
}

/* The packets of the messages that were sent. */
static unsigned sent_packets(struct ssp__outbox *o, unsigned messages)
{
    unsigned n = 0;
    for (unsigned i = 0; i < messages; i++)
        n += o->run[i];
    o->sender->alone = o->sender->alone > n ? (uint16_t)(o->sender->alone - n) : 0;
    return n;
}

/* An earlier packet that was refused makes the kernel fail the next send, to whatever address. */
void ssp__batch_flush(struct ssp__batch *b)
{
    struct ssp__outbox *o = &b->out;
    bool again = false;
    for (unsigned done = 0; done < o->waiting;) {
        unsigned messages = compose(o, done);
        int n = sendmmsg(o->sender->fd, o->message, messages, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && !again && o->sender->events->refused != NULL) {
            again = true;
            continue;
        }
        if (n == -1 && o->run[0] > 1) {
            refuse_run(o->sender, o->run[0], errno);
            continue;
        }
        if (n == -1)
            log_refused(&o->to[done]);
        again = false;
        done += sent_packets(o, n > 0 ? (unsigned)n : 1);
    }
    o->waiting = 0;
    o->used = 0;
    o->sender = NULL;
}

/* ---- one packet ---- */

static bool too_long(const struct ssp__datagram *d, const struct ssp__address *to, size_t n)
{
    return d->mtu > 0 && n + overhead_of(to) > d->mtu;
}

/* Packets that lie elsewhere, as those that no codec has touched, are copied: their memory is used
 * again before they are sent. */
static const uint8_t *keep(struct ssp__outbox *o, const uint8_t *bytes, size_t n)
{
    uint8_t *room = o->memory + o->used;
    bool inside = bytes >= room && bytes < room + SSP_DATAGRAM_ROOM;
    if (!inside && n > 0)
        memcpy(room, bytes, n);
    const uint8_t *kept = inside ? bytes : room;
    size_t end = (size_t)(kept - o->memory) + n;
    o->used = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return kept;
}

void ssp__datagram_send(struct ssp__datagram *d, const struct ssp__route *way, const uint8_t *bytes,
                        size_t n)
{
    struct ssp__outbox *o = &d->batch->out;
    if (too_long(d, &way->to, n)) {
        errno = EMSGSIZE;
        log_refused(&way->to);
        return;
    }
    if (o->sender != NULL && o->sender != d)
        ssp__batch_flush(d->batch);
    unsigned i = o->waiting++;
    struct msghdr *m = &o->packet[i];
    o->sender = d;
    o->to[i] = way->to;
    o->piece[i] = (struct iovec){(void *)(uintptr_t)keep(o, bytes, n), n};
    *m = (struct msghdr){.msg_iov = &o->piece[i], .msg_iovlen = 1};
    if (!d->connected) {
        m->msg_name = &o->to[i].u;
        m->msg_namelen = way->to.len;
    }
    if (way->from.len > 0)
        put_source(m, &o->control[i], &way->from);
    if (way->tos != 0)
        put_tos(m, &o->control[i], &way->to, way->tos);
    if (o->waiting == SSP_BATCH_OUT || o->used > SSP_OUT_MEMORY)
        ssp__batch_flush(d->batch);
}
