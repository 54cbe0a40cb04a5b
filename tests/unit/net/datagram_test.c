/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bursts of packets between two sockets of a batch, each a kernel's way: with runs of packets and
 * without, when a kernel refuses them for good, or a route does.  The loopback loses nothing here.
 */
#include "net/datagram.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

enum { BURST = 200, SOME = 1200, PROOF = 4, TURNS = 2000 };

/* The kernel of a test. */
static struct {
    bool old;  /* knows neither way */
    int error; /* of a message that is a run, from the size `from` on */
    size_t from;
    bool each;                              /* of other messages, too */
    int pending;                            /* the error of a packet before, for the next call */
    unsigned calls, runs, refused, packets; /* of sendmmsg() */
    size_t longest;                         /* run, in packets */
} kernel;

int __real_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *limit);
int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *limit);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n);

/* The size of the packets of a message that is a run, or 0. */
static size_t run_of(struct msghdr *m)
{
    uint16_t size = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT)
            memcpy(&size, CMSG_DATA(c), sizeof size);
    }
    return size;
}

/* The messages before one that is refused are sent, as the kernel does it. */
int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    unsigned good = 0;
    kernel.calls++;
    if (kernel.pending != 0) {
        errno = kernel.pending;
        kernel.pending = 0;
        return -1;
    }
    for (; good < n; good++) {
        size_t size = run_of(&m[good].msg_hdr), packets = (size_t)m[good].msg_hdr.msg_iovlen;
        size_t one = kernel.each ? m[good].msg_hdr.msg_iov->iov_len : size;
        if (one > 0 && kernel.error != 0 && one >= kernel.from)
            break;
        kernel.runs += size > 0;
        kernel.packets += (unsigned)packets;
        kernel.longest = packets > kernel.longest ? packets : kernel.longest;
    }
    kernel.refused += good < n;
    if (good > 0)
        return __real_sendmmsg(fd, m, good, flags);
    errno = kernel.error;
    return -1;
}

/* A run whose size is cut off would be taken for one packet. */
int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *limit)
{
    int got = __real_recvmmsg(fd, m, n, flags, limit);
    for (int i = 0; i < got; i++)
        assert_int_equal(m[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
    return got;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
    if (kernel.old && level == SOL_UDP) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return __real_setsockopt(fd, level, name, value, n);
}

struct rig {
    ssp_loop *loop;
    struct ssp__batch *batch;
    struct ssp__datagram from, to;
    struct ssp__address at, source;
    const size_t *sizes; /* of the packets that are awaited */
    unsigned got;
    uint8_t tos;
    size_t lost; /* packets of that size are; 0: none */
};

static struct rig *rig; /* for the events, which have no argument */

/* A packet tells its number by each of its bytes. */
static void fill(uint8_t *bytes, size_t n, unsigned number)
{
    memset(bytes, (int)(number % 251 + 1), n);
}

/* The bytes in front of a packet are the callee's, and none of the next packet's. */
static void arrives(struct ssp__datagram *from, struct ssp__packet *p)
{
    static uint8_t expected[SSP_DATAGRAM_MAX + 1];
    assert_ptr_equal(from, &rig->to);
    while (rig->lost > 0 && rig->sizes[rig->got] == rig->lost)
        rig->got++;
    assert_int_equal(p->len, rig->sizes[rig->got]);
    fill(expected, p->len, rig->got);
    assert_memory_equal(p->bytes, expected, p->len);
    assert_true(ssp__address_same(&p->peer, &rig->source));
    assert_int_equal(p->tos, rig->tos);
    memset(p->bytes - SSP_DATAGRAM_HEADROOM, 0xee, SSP_DATAGRAM_HEADROOM + p->len);
    rig->got++;
}

static void refused(struct ssp__datagram *from, const struct ssp__address *to, int error)
{
    (void)from;
    (void)to;
    fail_msg("refused: %s", strerror(error));
}

static const struct ssp__datagram_events events = {arrives, refused};

static void own_address(const struct ssp__datagram *d, struct ssp__address *a)
{
    a->len = sizeof a->u;
    assert_int_equal(getsockname(d->fd, &a->u.any, &a->len), 0);
}

static void open_at(struct rig *r, struct ssp__datagram *d, const char *host)
{
    static const struct ssp__socket_options none;
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, host, 0), 0);
    assert_int_equal(ssp__datagram_open(d, r->batch, ssp__datagram_bind(&a, &none), 0, &events), 0);
}

static void rig_open(struct rig *r, const char *host)
{
    *r = (struct rig){.loop = ssp_loop_new()};
    rig = r;
    r->batch = ssp__batch_new(r->loop);
    assert_non_null(r->batch);
    open_at(r, &r->from, host);
    open_at(r, &r->to, host);
    own_address(&r->from, &r->source);
    own_address(&r->to, &r->at);
    memset(&kernel.calls, 0, sizeof kernel - offsetof(__typeof__(kernel), calls));
}

static void rig_close(struct rig *r)
{
    ssp__datagram_close(&r->from);
    ssp__datagram_close(&r->to);
    ssp__batch_free(r->batch);
    ssp_loop_free(r->loop);
}

/* Each packet is written to the room, as codecs do it. */
static void send_all(struct rig *r, const size_t *sizes, unsigned n)
{
    const struct ssp__route way = {.to = r->at, .tos = r->tos};
    for (unsigned i = 0; i < n; i++) {
        uint8_t *room = ssp__batch_room(r->batch) + SSP_DATAGRAM_HEADROOM;
        fill(room, sizes[i], i);
        ssp__datagram_send(&r->from, &way, room, sizes[i]);
    }
    ssp__batch_flush(r->batch);
}

static void all_arrive(struct rig *r, const size_t *sizes, unsigned n)
{
    r->sizes = sizes;
    r->got = 0;
    send_all(r, sizes, n);
    for (unsigned i = 0; i < TURNS && r->got < n; i++)
        assert_int_equal(ssp_loop_turn(r->loop, 50), 0);
    assert_int_equal(r->got, n);
}

/* ---- bursts ---- */

static const char *const hosts[] = {"127.0.0.1", "::1"};

/* Sizes of bursts; 0 ends a row of them but for its first. */
static void sizes_of(size_t sizes[BURST], unsigned kind)
{
    static const size_t mixed[] = {0,    1,    1,    1200, 1200, 1200,  700,  1200, 0,    0,
                                   1452, 1452, 1453, 1472, 1473, 8000,  0,    5,    5,    4,
                                   5,    2,    3,    1,    1,    60000, 1200, 1200, 1199, 1200};
    for (unsigned i = 0; i < BURST; i++) {
        switch (kind) {
        case 0: /* equal */
            sizes[i] = SOME;
            break;
        case 1: /* the last of each dozen is shorter */
            sizes[i] = i % 12 == 11 ? 1 + i : SOME;
            break;
        case 2: /* of a byte: as many in a run as there may be */
            sizes[i] = 1;
            break;
        case 3:
            sizes[i] = mixed[i % (sizeof mixed / sizeof mixed[0])];
            break;
        default: /* each shorter than the one before */
            sizes[i] = BURST - i;
        }
    }
}

enum { KINDS = 5, PART = 25 };

/* As much at once as a receive buffer holds for certain. */
static void bursts_arrive(struct rig *r)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        size_t sizes[BURST];
        sizes_of(sizes, kind);
        for (unsigned at = 0; at < BURST; at += PART)
            all_arrive(r, sizes + at, PART);
    }
}

static void bursts_of_all_sizes_arrive_in_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;
        rig_open(&r, hosts[i]);
        bursts_arrive(&r);
        r.tos = 0xb8 | 2;
        bursts_arrive(&r);
        assert_true(kernel.runs > 0);
        assert_int_equal(kernel.refused, 0);
        rig_close(&r);
    }
}

static void packets_of_one_size_are_one_message(void **state)
{
    enum { MANY = 64 };
    size_t sizes[MANY + 1];
    struct rig r;
    (void)state;
    for (unsigned i = 0; i <= MANY; i++)
        sizes[i] = i == 20 ? 9 : 10;
    rig_open(&r, "127.0.0.1");
    all_arrive(&r, sizes, MANY + 1);
    assert_int_equal(kernel.calls, 2); /* one is full */
    assert_int_equal(kernel.runs, 2);
    assert_int_equal(kernel.longest, MANY - 21);
    for (unsigned i = 0; i < MANY; i++)
        sizes[i] = 10;
    all_arrive(&r, sizes, MANY);
    assert_int_equal(kernel.calls, 3);
    assert_int_equal(kernel.longest, MANY);
    rig_close(&r);
}

/* A packet of the longest size is no run, and neither are those beyond a usual MTU. */
static void long_packets_go_alone(void **state)
{
    static const size_t sizes[] = {65507, 1473, 1473, 65507, 1472, 1472};
    struct rig r;
    (void)state;
    rig_open(&r, "127.0.0.1");
    all_arrive(&r, sizes, 6);
    assert_int_equal(kernel.runs, 1);
    assert_int_equal(kernel.longest, 2);
    rig_close(&r);
}

/* ---- other ways ---- */

static void an_old_kernel_takes_packets_one_by_one(void **state)
{
    struct rig r;
    (void)state;
    kernel.old = true;
    kernel.error = EINVAL;
    kernel.from = 0;
    rig_open(&r, "127.0.0.1");
    bursts_arrive(&r);
    assert_int_equal(kernel.runs, 0);
    assert_int_equal(kernel.packets, KINDS * BURST);
    assert_in_range(kernel.refused, 1, 2); /* the kernel is not asked again for each burst */
    rig_close(&r);
    kernel.old = false;
    kernel.error = 0;
}

/* The route to one peer may have a smaller MTU, and the packets before it were sent. */
static void a_run_that_is_refused_is_sent_one_by_one(void **state)
{
    static const int errors[] = {EINVAL, EIO, EMSGSIZE, ENOBUFS};
    static const size_t sizes[] = {5, 5, 5, 900, 900, 900, 5, 5, 900, 900, 7};
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct rig r;
        kernel.error = errors[i];
        kernel.from = 900;
        rig_open(&r, "127.0.0.1");
        all_arrive(&r, sizes, 11);
        assert_int_equal(kernel.packets, 11);
        assert_true(kernel.refused >= 1);
        kernel.error = 0;
        rig_close(&r);
    }
}

/* As a filter of packets, or a full queue, does it. */
static void packets_that_are_refused_are_lost_alone(void **state)
{
    static const int errors[] = {EPERM, ENOBUFS, EAGAIN, EMSGSIZE, EINVAL};
    static const size_t sizes[] = {5, 5, 900, 900, 900, 5, 5, 900, 7};
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct rig r;
        kernel.error = errors[i];
        kernel.from = 900;
        kernel.each = true;
        rig_open(&r, "127.0.0.1");
        r.lost = 900;
        all_arrive(&r, sizes, 9);
        assert_int_equal(kernel.packets, 5);
        kernel.error = 0;
        kernel.each = false;
        r.lost = 0;
        all_arrive(&r, sizes, 9);
        rig_close(&r);
    }
}

/* The kernel tells of a packet before with the next call. */
static void an_error_of_a_packet_before_breaks_no_run(void **state)
{
    static const size_t sizes[] = {5, 5, 5, 5};
    struct rig r;
    (void)state;
    rig_open(&r, "127.0.0.1");
    kernel.pending = ECONNREFUSED;
    all_arrive(&r, sizes, 4);
    assert_int_equal(kernel.calls, 2);
    assert_int_equal(kernel.runs, 1);
    rig_close(&r);
}

/* After an error that lasts they come back later, after another one at once. */
static void runs_come_back(void **state)
{
    size_t sizes[BURST];
    struct rig r;
    (void)state;
    sizes_of(sizes, 2);
    rig_open(&r, "127.0.0.1");
    kernel.error = EINVAL;
    kernel.from = 0;
    all_arrive(&r, sizes, PART);
    kernel.error = 0;
    for (unsigned i = 0; i < UINT16_MAX / PART; i++) {
        assert_int_equal(kernel.runs, 0);
        all_arrive(&r, sizes, PART);
    }
    all_arrive(&r, sizes, PART);
    assert_true(kernel.runs > 0);
    kernel.error = ENOBUFS;
    all_arrive(&r, sizes, PART);
    kernel.error = 0;
    kernel.runs = 0;
    all_arrive(&r, sizes, PART);
    assert_true(kernel.runs > 0);
    rig_close(&r);
}

/* ---- where packets lie, and whose they are ---- */

/* Packets that no codec has touched lie where they were received. */
static void packets_that_lie_elsewhere_are_copied(void **state)
{
    static uint8_t bytes[SOME];
    static const size_t sizes[] = {SOME, SOME, SOME};
    struct rig r;
    (void)state;
    rig_open(&r, "127.0.0.1");
    r.sizes = sizes;
    for (unsigned i = 0; i < 3; i++) {
        fill(bytes, SOME, i);
        ssp__datagram_send(&r.from, &(struct ssp__route){.to = r.at}, bytes, SOME);
    }
    memset(bytes, 0, sizeof bytes);
    ssp__batch_flush(r.batch);
    for (unsigned i = 0; i < TURNS && r.got < 3; i++)
        assert_int_equal(ssp_loop_turn(r.loop, 50), 0);
    assert_int_equal(r.got, 3);
    rig_close(&r);
}

/* A run ends where the type of service changes, or the address does. */
static void packets_of_other_ways_are_other_messages(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, "127.0.0.1");
    struct ssp__route way = {.to = r.at};
    for (unsigned i = 0; i < 6; i++) {
        uint8_t *room = ssp__batch_room(r.batch);
        fill(room, 10, i);
        way.tos = i < 2 ? 2 : 3;
        way.to = i < 4 ? r.at : r.source;
        ssp__datagram_send(&r.from, &way, room, 10);
    }
    ssp__batch_flush(r.batch);
    assert_int_equal(kernel.calls, 1);
    assert_int_equal(kernel.runs, 3);
    assert_int_equal(kernel.longest, 2);
    rig_close(&r);
}

static int peer_at(const char *host, struct ssp__address *a)
{
    assert_int_equal(ssp__address_parse(a, host, 0), 0);
    int fd = socket(a->u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &a->u.any, a->len), 0);
    assert_int_equal(getsockname(fd, &a->u.any, &a->len), 0);
    return fd;
}

/* An IPv4 address as a socket for both families names it. */
static void map(struct ssp__address *a)
{
    const struct sockaddr_in v4 = a->u.v4;
    *a = (struct ssp__address){.u.v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port},
                               .len = sizeof a->u.v6};
    memset(&a->u.v6.sin6_addr.s6_addr[10], 0xff, 2);
    memcpy(&a->u.v6.sin6_addr.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
}

/* Control messages of both families, for peers of one socket. */
static void peers_of_both_families_have_runs_of_their_own(void **state)
{
    enum { EACH = 3, LEN = 10 };
    struct rig r;
    struct ssp__address peer[2], mapped;
    uint8_t got[LEN + 1];
    (void)state;
    rig_open(&r, "::");
    const int fd[] = {peer_at("::1", &peer[0]), peer_at("127.0.0.1", &peer[1])};
    mapped = peer[1];
    map(&mapped);
    for (unsigned i = 0; i < 2 * EACH; i++) {
        uint8_t *room = ssp__batch_room(r.batch);
        fill(room, LEN, i);
        ssp__datagram_send(
            &r.from, &(struct ssp__route){.to = i < EACH ? peer[0] : mapped, .tos = 2}, room, LEN);
    }
    ssp__datagram_close(&r.from); /* it sends all that waits */
    assert_int_equal(kernel.runs, 2);
    assert_int_equal(kernel.refused, 0);
    for (unsigned i = 0; i < 2 * EACH; i++) {
        uint8_t expected[LEN];
        fill(expected, LEN, i);
        assert_int_equal(recv(fd[i / EACH], got, sizeof got, 0), LEN);
        assert_memory_equal(got, expected, LEN);
    }
    (void)close(fd[0]);
    (void)close(fd[1]);
    rig_close(&r);
}

/* At a socket for both families, which tells where a packet was sent to, and its type of service.
 */
static void control_messages_of_a_run_have_room(void **state)
{
    static const size_t sizes[] = {SOME, SOME, SOME, SOME, 7};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;
        struct ssp__address to;
        rig_open(&r, "::");
        assert_int_equal(ssp__address_parse(&to, hosts[i], ssp__address_port(&r.at)), 0);
        ssp__datagram_close(&r.from);
        open_at(&r, &r.from, hosts[i]);
        own_address(&r.from, &r.source);
        if (i == 0)
            map(&r.source);
        r.at = to;
        r.tos = 0xb8 | 1;
        all_arrive(&r, sizes, 5);
        assert_int_equal(kernel.runs, 1);
        rig_close(&r);
    }
}

static void a_connected_socket_hears_its_peer_only(void **state)
{
    static const size_t sizes[] = {10, 10};
    const int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct rig r;
    (void)state;
    rig_open(&r, "127.0.0.1");
    assert_true(ssp__datagram_connect(&r.from, &r.at));
    assert_true(ssp__datagram_connect(&r.to, &r.source));
    assert_true(ssp__datagram_same_source(&r.from, r.to.fd));
    assert_int_equal(sendto(other, "x", 1, 0, &r.at.u.any, r.at.len), 1);
    all_arrive(&r, sizes, 2);
    struct ssp__address nowhere = r.at;
    nowhere.u.any.sa_family = AF_INET6;
    assert_false(ssp__datagram_connect(&r.from, &nowhere));
    assert_false(r.from.connected);
    (void)close(other);
    rig_close(&r);
}

/* A machine of its own, where the loopback has a second address. */
static bool have_network(const char *address)
{
    const int fd = unshare(CLONE_NEWNET) == 0 ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP}, more = {.ifr_name = "lo:1"};
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, address, 0), 0);
    memcpy(&more.ifr_addr, &a.u.v4, sizeof a.u.v4);
    bool done = fd != -1 && ioctl(fd, SIOCSIFFLAGS, &up) == 0 && ioctl(fd, SIOCSIFADDR, &more) == 0;
    if (fd != -1)
        (void)close(fd);
    return done;
}

/* The first peer has another way than the second one. */
static void a_socket_that_changes_its_peer_changes_its_source(void **state)
{
    static const struct ssp__socket_options none;
    static const char *const peers[] = {"127.0.0.1", "10.9.9.9", "127.0.0.1"};
    struct rig r;
    struct ssp__datagram d;
    struct ssp__address to, own;
    const char *why;
    (void)state;
    if (!have_network(peers[1]))
        skip();
    rig_open(&r, "127.0.0.1");
    int fd = ssp__datagram_outgoing(AF_INET, &none, &why);
    assert_int_equal(ssp__datagram_open(&d, r.batch, fd, 0, &events), 0);
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        assert_int_equal(ssp__address_parse(&to, peers[i], 9), 0);
        assert_true(ssp__datagram_connect(&d, &to));
        own_address(&d, &own);
        assert_true(ssp__address_same_host(&own, &to));
    }
    ssp__datagram_close(&d);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bursts_of_all_sizes_arrive_in_order),
        cmocka_unit_test(packets_of_one_size_are_one_message),
        cmocka_unit_test(long_packets_go_alone),
        cmocka_unit_test(an_old_kernel_takes_packets_one_by_one),
        cmocka_unit_test(a_run_that_is_refused_is_sent_one_by_one),
        cmocka_unit_test(packets_that_are_refused_are_lost_alone),
        cmocka_unit_test(an_error_of_a_packet_before_breaks_no_run),
        cmocka_unit_test(runs_come_back),
        cmocka_unit_test(packets_that_lie_elsewhere_are_copied),
        cmocka_unit_test(packets_of_other_ways_are_other_messages),
        cmocka_unit_test(peers_of_both_families_have_runs_of_their_own),
        cmocka_unit_test(control_messages_of_a_run_have_room),
        cmocka_unit_test(a_connected_socket_hears_its_peer_only),
        cmocka_unit_test(a_socket_that_changes_its_peer_changes_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
