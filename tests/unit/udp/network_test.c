/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network's part in associations: ports that refuse, types of service, an MTU, answers to an
 * address that may be forged, and the memory of many.  The test is every client and each target.
 */
#include "udp/assoc.h"
#include "udp_peer.h"

#include <errno.h>

#include "../heap.h"
#include "../within.h"

enum { LONG_MS = 60000, MANY = 200, STATE_SIZE = 280 };

struct rig {
    struct peers peers;
    struct ssp__assocs *assocs;
    struct ssp__endpoint target;
    struct ssp__endpoint refusing; /* target of packets of one byte, if it has a port */
    struct ssp__address door;      /* where clients send to */
    unsigned refused, limited;
};

static void asked(void *arg, struct ssp__datagram *from, struct ssp__packet *packet)
{
    static const uint8_t state[STATE_SIZE];
    struct rig *r = arg;
    uint8_t *room = ssp__assocs_room(r->assocs);
    memcpy(room, packet->bytes, packet->len);
    struct ssp__packet_key key = ssp__assoc_key(from, packet);
    struct ssp__assoc *assoc = ssp__assoc_find(r->assocs, &key);
    if (assoc == NULL)
        assoc = ssp__assoc_new(r->assocs, &key, &packet->peer, state, NULL);
    assert_non_null(assoc);
    ssp__assoc_heard(assoc, from, packet);
    bool lost = packet->len == 1 && r->refusing.port != 0;
    const struct ssp__assoc_route route = {.to = lost ? &r->refusing : &r->target,
                                           .tos = packet->tos};
    ssp__assoc_send(assoc, &route, room, packet->len);
}

static void answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet, bool direct)
{
    struct rig *r = arg;
    uint8_t *room = ssp__assocs_room(r->assocs);
    assert_false(direct);
    memcpy(room, packet->bytes, packet->len);
    r->limited +=
        !ssp__assoc_reply(assoc, &(struct ssp__address){.len = 0}, room, packet->len, packet->tos);
}

static void refused(void *arg, struct ssp__assoc *assoc, const struct ssp__address *to, int error,
                    bool direct)
{
    struct rig *r = arg;
    assert_non_null(assoc);
    assert_false(direct);
    assert_int_equal(ssp__address_port(to), r->refusing.port);
    assert_int_equal(error, ECONNREFUSED);
    r->refused++;
}

static void rig_open(struct rig *r, const char *host, unsigned mtu)
{
    char why[256];
    struct ssp__endpoint here;
    *r = (struct rig){.refused = 0};
    peers_open(&r->peers, NULL);
    r->assocs = ssp__assocs_new(
        &(struct ssp__assocs_conf){.loop = r->peers.program.loop,
                                   .resolver = r->peers.program.resolver,
                                   .batch = ssp__worker_batch(r->peers.program.worker),
                                   .world = &r->peers.program.worker->world,
                                   .max = MANY,
                                   .idle_ms = LONG_MS,
                                   .outgoing = {.mtu = mtu},
                                   .state_size = STATE_SIZE,
                                   .on_asked = asked,
                                   .on_answered = answered,
                                   .on_refused = refused,
                                   .arg = r});
    assert_non_null(r->assocs);
    assert_int_equal(ssp__endpoint_set(&here, "::", 0), 0);
    int port = ssp__assocs_listen(r->assocs, &here, why, sizeof why);
    assert_true(port > 0);
    assert_int_equal(ssp__address_parse(&r->door, host, (uint16_t)port), 0);
}

static void rig_close(struct rig *r)
{
    ssp__assocs_free(r->assocs);
    peers_close(&r->peers);
}

static int socket_at(const char *host)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, host, 0), 0);
    int fd = socket(a.u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    return fd;
}

static void aim(struct rig *r, const char *host, uint16_t port)
{
    assert_int_equal(ssp__endpoint_set(&r->target, host, port), 0);
}

static void ask(const struct rig *r, int client, size_t n)
{
    static const uint8_t bytes[65536];
    assert_int_equal(sendto(client, bytes, n, 0, &r->door.u.any, r->door.len), n);
}

/* Aims packets of one byte at a port at which nothing receives. */
static void aim_nowhere(struct rig *r)
{
    int fd = peer_socket();
    assert_int_equal(ssp__endpoint_set(&r->refusing, "127.0.0.1", peer_port(fd)), 0);
    (void)close(fd);
}

static void await_refusal(struct rig *r)
{
    for (unsigned i = 0; i < PEERS_TURNS && r->refused == 0; i++)
        peers_turn(&r->peers);
    assert_int_not_equal(r->refused, 0);
}

/* True when the loop has nothing to do: a socket with an error in its queue would be ready. */
static bool idles(const struct rig *r)
{
    struct pollfd p = {.fd = ssp_loop_fd(r->peers.program.loop), .events = POLLIN};
    (void)ssp_loop_turn(r->peers.program.loop, 0);
    return poll(&p, 1, 0) == 0;
}

static void a_refused_port_ends_an_association_without_answers(void **state)
{
    struct rig r;
    int client = peer_socket();
    (void)state;
    rig_open(&r, "127.0.0.1", 0);
    aim_nowhere(&r);
    ask(&r, client, 1);
    await_refusal(&r);
    assert_int_equal(ssp__assocs_count(r.assocs), 0);
    assert_true(idles(&r));
    rig_close(&r);
    (void)close(client);
}

/* The kernel fails the send that follows a refusal, whatever its target: here the first one of the
 * second system call. */
static void one_refusal_of_several_targets_loses_no_packet(void **state)
{
    enum { AT_ONCE = 16 };
    struct rig r;
    struct ssp__address from;
    uint8_t got[8];
    const int client = peer_socket(), target = peer_socket();
    (void)state;
    rig_open(&r, "127.0.0.1", 0);
    aim(&r, "127.0.0.1", peer_port(target));
    aim_nowhere(&r);
    ask(&r, client, 2);
    assert_int_equal(peers_await(&r.peers, target, got, sizeof got, &from), 2);
    assert_int_equal(sendto(target, "x", 1, 0, &from.u.any, from.len), 1);
    assert_int_equal(peers_await(&r.peers, client, got, sizeof got, &from), 1);
    for (unsigned i = 0; i < AT_ONCE; i++)
        ask(&r, client, 1);
    ask(&r, client, 3);
    assert_int_equal(peers_await(&r.peers, target, got, sizeof got, &from), 3);
    await_refusal(&r);
    for (unsigned i = 0; i < PEERS_TURNS && !idles(&r); i++)
        continue;
    assert_true(idles(&r));
    assert_int_equal(ssp__assocs_count(r.assocs), 1);
    rig_close(&r);
    (void)close(client);
    (void)close(target);
}

static int tos_of(int fd, struct ssp__address *from)
{
    union {
        struct cmsghdr header;
        uint8_t bytes[64];
    } control;
    uint8_t byte[8];
    int class = 0;
    struct iovec piece = {byte, sizeof byte};
    struct msghdr m = {.msg_name = &from->u,
                       .msg_namelen = sizeof from->u,
                       .msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    assert_true(recvmsg(fd, &m, 0) >= 0);
    from->len = m.msg_namelen;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    assert_non_null(c);
    if (c->cmsg_level == IPPROTO_IP)
        return *CMSG_DATA(c);
    memcpy(&class, CMSG_DATA(c), sizeof class);
    return class;
}

static void set_tos(int fd, bool v6, int tos)
{
    const int on = 1;
    if (v6) {
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos), 0);
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on), 0);
        return;
    }
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on), 0);
}

static int await_tos(struct rig *r, int fd, struct ssp__address *from)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    for (unsigned i = 0; i < PEERS_TURNS && poll(&waiting, 1, 0) == 0; i++)
        peers_turn(&r->peers);
    return tos_of(fd, from);
}

/* Each family of the client with each of the target; the listener takes both. */
static void type_of_service_and_congestion_pass_both_ways(void **state)
{
    enum { EXPEDITED = 46 << 2, THROUGHPUT = 10 << 2, ECT0 = 2, CONGESTED = 3 };
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct rig r;
        struct ssp__address from, unused;
        const int client = socket_at(hosts[i & 1]), target = socket_at(hosts[i >> 1]);
        set_tos(client, i & 1, EXPEDITED | ECT0);
        set_tos(target, i >> 1, THROUGHPUT | CONGESTED);
        rig_open(&r, hosts[i & 1], 0);
        aim(&r, hosts[i >> 1], peer_port(target));
        ask(&r, client, 1);
        assert_int_equal(await_tos(&r, target, &from), EXPEDITED | ECT0);
        assert_int_equal(sendto(target, "x", 1, 0, &from.u.any, from.len), 1);
        assert_int_equal(await_tos(&r, client, &unused), THROUGHPUT | CONGESTED);
        rig_close(&r);
        (void)close(client);
        (void)close(target);
    }
}

static void a_packet_that_exceeds_the_mtu_is_lost(void **state)
{
    static const struct {
        const char *host;
        size_t fits; /* of 1000 */
    } rows[] = {{"127.0.0.1", 972}, {"::1", 952}};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;
        struct ssp__address from;
        uint8_t got[2048];
        int mtu = 0;
        socklen_t n = sizeof mtu;
        const int client = peer_socket(), target = socket_at(rows[i].host);
        rig_open(&r, "127.0.0.1", 1000);
        aim(&r, rows[i].host, peer_port(target));
        ask(&r, client, rows[i].fits + 1);
        ask(&r, client, rows[i].fits);
        assert_int_equal(peers_await(&r.peers, target, got, sizeof got, &from), rows[i].fits);
        rig_close(&r);
        (void)close(client);
        (void)close(target);

        const char *why;
        const struct ssp__socket_options options = {.mtu = 1000};
        int fd = ssp__datagram_outgoing(i == 0 ? AF_INET : AF_INET6, &options, &why);
        assert_int_equal(i == 0 ? getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mtu, &n)
                                : getsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &mtu, &n),
                         0);
        assert_int_equal(mtu, IP_PMTUDISC_DO);
        (void)close(fd);
    }
}

static void limited(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < PEERS_TURNS && r->limited < n; i++)
        peers_turn(&r->peers);
    assert_int_equal(r->limited, n);
}

/* A second packet proves that the client hears what it is sent, or at least that it goes on. */
static void answers_to_one_packet_are_limited(void **state)
{
    enum { PART = 32 * 1024 };
    static uint8_t bytes[PART];
    struct rig r;
    struct ssp__address from, unused;
    const int client = peer_socket(), target = peer_socket();
    (void)state;
    rig_open(&r, "127.0.0.1", 0);
    aim(&r, "127.0.0.1", peer_port(target));
    ask(&r, client, 1);
    (void)peers_await(&r.peers, target, bytes, PART, &from);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sendto(target, bytes, PART, 0, &from.u.any, from.len), PART);
        if (i < 2)
            assert_int_equal(peers_await(&r.peers, client, bytes, PART, &unused), PART);
    }
    limited(&r, 1);
    ask(&r, client, 1);
    (void)peers_await(&r.peers, target, bytes, PART, &from);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sendto(target, bytes, PART, 0, &from.u.any, from.len), PART);
        assert_int_equal(peers_await(&r.peers, client, bytes, PART, &unused), PART);
    }
    rig_close(&r);
    (void)close(client);
    (void)close(target);
}

/* With the state of AEAD-2022, which is the largest; see also test_app_udp. */
static void many_idle_associations_take_little(void **state)
{
    struct rig r;
    struct ssp__address from;
    uint8_t got[8];
    int client[MANY], target = peer_socket();
    (void)state;
    rig_open(&r, "127.0.0.1", 0);
    aim(&r, "127.0.0.1", peer_port(target));
    for (unsigned i = 0; i < MANY; i++)
        client[i] = peer_socket();
    size_t before = 0;
    for (unsigned i = 0; i < MANY; i++) {
        ask(&r, client[i], 1);
        assert_int_equal(peers_await(&r.peers, target, got, sizeof got, &from), 1);
        before = i == 0 ? heap_used() : before; /* the first takes memory of the program, too */
    }
    assert_int_equal(ssp__assocs_count(r.assocs), MANY);
    assert_within(heap_used() - before, 0, 512 * MANY);
    rig_close(&r);
    for (unsigned i = 0; i < MANY; i++)
        (void)close(client[i]);
    (void)close(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_port_ends_an_association_without_answers),
        cmocka_unit_test(one_refusal_of_several_targets_loses_no_packet),
        cmocka_unit_test(type_of_service_and_congestion_pass_both_ways),
        cmocka_unit_test(a_packet_that_exceeds_the_mtu_is_lost),
        cmocka_unit_test(answers_to_one_packet_are_limited),
        cmocka_unit_test(many_idle_associations_take_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
