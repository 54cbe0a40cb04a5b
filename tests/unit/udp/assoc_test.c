/* SPDX-License-Identifier: Apache-2.0 */
/* Datagram sockets and associations on the loopback: the test is every client and the target. */
#include "udp/assoc.h"
#include "udp_peer.h"

#include "../net/name_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX = 4, LONG_MS = 60000, SHORT_MS = 50, LARGEST = 65507 };

struct rig {
    struct peers peers;
    struct ssp__assocs *assocs;
    struct ssp__endpoint target; /* of every packet */
    struct ssp__address door;    /* where clients send to */
    int target_fd;
    int nameserver; /* says nothing */
    unsigned asked, unsent;
    struct ssp__permit permit;
};

static void copy(struct rig *r, const struct ssp__packet *packet, uint8_t **room)
{
    *room = ssp__assocs_room(r->assocs);
    if (packet->len > 0)
        memcpy(*room, packet->bytes, packet->len);
}

static void asked(void *arg, struct ssp__datagram *from, struct ssp__packet *packet)
{
    struct rig *r = arg;
    uint8_t *room;
    r->asked++;
    copy(r, packet, &room);
    struct ssp__packet_key key = ssp__assoc_key(from, packet);
    struct ssp__assoc *assoc = ssp__assoc_find(r->assocs, &key);
    if (assoc == NULL)
        assoc = ssp__assoc_new(r->assocs, &key, &packet->peer, NULL, NULL);
    assert_non_null(assoc);
    ssp__assoc_heard(assoc, from, packet);
    ssp__assoc_send(assoc, &(struct ssp__assoc_route){.to = &r->target, .permit = r->permit}, room,
                    packet->len);
}

static void answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet, bool direct)
{
    uint8_t *room;
    assert_false(direct);
    copy(arg, packet, &room);
    assert_true(
        ssp__assoc_reply(assoc, &(struct ssp__address){.len = 0}, room, packet->len, packet->tos));
}

/* A codec writes in front of the packet. */
static void unsent(void *arg, struct ssp__assoc *assoc, const struct ssp__unsent *lost)
{
    struct rig *r = arg;
    (void)assoc;
    assert_int_equal(lost->n, 4);
    assert_memory_equal(lost->bytes, "lost", 4);
    memset(lost->bytes - lost->header_len - SSP_PACKET_HEADROOM, 0xee, SSP_PACKET_HEADROOM);
    r->unsent++;
}

static void loopback(struct ssp__address *a, uint16_t port)
{
    assert_int_equal(ssp__address_parse(a, "127.0.0.1", port), 0);
}

static void rig_open(struct rig *r, unsigned idle_ms, const char *target)
{
    char text[256];
    *r = (struct rig){.nameserver = peer_socket()};
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", peer_port(r->nameserver));
    peers_open(&r->peers, text);
    struct ssp__assocs_conf conf = {.loop = r->peers.program.loop,
                                    .resolver = r->peers.program.resolver,
                                    .batch = ssp__worker_batch(r->peers.program.worker),
                                    .world = &r->peers.program.worker->world,
                                    .max = MAX,
                                    .idle_ms = idle_ms,
                                    .on_asked = asked,
                                    .on_answered = answered,
                                    .on_unsent = unsent,
                                    .arg = r};
    r->assocs = ssp__assocs_new(&conf);
    assert_non_null(r->assocs);
    struct ssp__endpoint here;
    assert_int_equal(ssp__endpoint_set(&here, "127.0.0.1", 0), 0);
    int port = ssp__assocs_listen(r->assocs, &here, text, sizeof text);
    assert_true(port > 0);
    loopback(&r->door, (uint16_t)port);
    r->target_fd = peer_socket();
    assert_int_equal(ssp__endpoint_set(&r->target, target, peer_port(r->target_fd)), 0);
}

static void rig_close(struct rig *r)
{
    ssp__assocs_free(r->assocs);
    peers_close(&r->peers);
    (void)close(r->target_fd);
    (void)close(r->nameserver);
}

static void ask(const struct rig *r, int client, const void *bytes, size_t n)
{
    assert_int_equal(sendto(client, bytes, n, 0, &r->door.u.any, r->door.len), n);
}

/* A packet of the client arrives.  Returns the port that the target sees. */
static uint16_t arrives(struct rig *r, int client, const char *text, struct ssp__address *seen)
{
    char got[64];
    ask(r, client, text, strlen(text));
    assert_int_equal(peers_await(&r->peers, r->target_fd, got, sizeof got, seen), strlen(text));
    assert_memory_equal(got, text, strlen(text));
    return ssp__address_port(seen);
}

static void comes_back(struct rig *r, int client, const struct ssp__address *to, const char *text)
{
    char got[64];
    struct ssp__address from;
    size_t n = strlen(text);
    assert_int_equal(sendto(r->target_fd, text, n, 0, &to->u.any, to->len), n);
    assert_int_equal(peers_await(&r->peers, client, got, sizeof got, &from), n);
    assert_memory_equal(got, text, n);
    assert_int_equal(ssp__address_port(&from), ssp__address_port(&r->door));
}

static void every_client_has_a_socket_of_its_own(void **state)
{
    struct rig r;
    struct ssp__address seen[2];
    const int client[2] = {peer_socket(), peer_socket()};
    (void)state;
    rig_open(&r, LONG_MS, "127.0.0.1");
    uint16_t first = arrives(&r, client[0], "one", &seen[0]);
    assert_int_not_equal(arrives(&r, client[1], "two", &seen[1]), first);
    assert_int_equal(arrives(&r, client[0], "again", &seen[0]), first);
    comes_back(&r, client[1], &seen[1], "to two");
    comes_back(&r, client[0], &seen[0], "to one");
    assert_int_equal(ssp__assocs_count(r.assocs), 2);
    rig_close(&r);
    (void)close(client[0]);
    (void)close(client[1]);
}

/* Others, each of which sends one packet that is answered if so wished. */
static void crowd(struct rig *r, unsigned n, bool answer)
{
    for (unsigned i = 0; i < n; i++) {
        struct ssp__address seen;
        int client = peer_socket();
        (void)arrives(r, client, "one of many", &seen);
        if (answer)
            comes_back(r, client, &seen, "welcome");
        assert_true(ssp__assocs_count(r->assocs) <= MAX);
        (void)close(client);
    }
}

static void beyond_the_limit_the_unanswered_go_first(void **state)
{
    struct rig r;
    struct ssp__address seen;
    int client = peer_socket();
    (void)state;
    rig_open(&r, LONG_MS, "127.0.0.1");
    uint16_t port = arrives(&r, client, "first", &seen);
    comes_back(&r, client, &seen, "answered");
    crowd(&r, 5 * MAX, false);
    assert_int_equal(ssp__assocs_count(r.assocs), MAX);
    assert_int_equal(arrives(&r, client, "still here", &seen), port);
    rig_close(&r);
    (void)close(client);
}

static int peer_socket_at(const char *host)
{
    struct ssp__address a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ssp__address_parse(&a, host, 0), 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    return fd;
}

static void a_source_with_its_share_displaces_itself(void **state)
{
    struct rig r;
    struct ssp__address seen;
    int client = peer_socket_at("127.0.0.2");
    (void)state;
    rig_open(&r, LONG_MS, "127.0.0.1");
    uint16_t port = arrives(&r, client, "not answered", &seen);
    crowd(&r, 5 * MAX, true);
    assert_int_equal(ssp__assocs_count(r.assocs), MAX);
    assert_int_equal(arrives(&r, client, "still here", &seen), port);
    rig_close(&r);
    (void)close(client);
}

/* A newcomer takes a place of the source that has most, though all of them are active. */
static void a_source_with_most_makes_room_for_everybody(void **state)
{
    struct rig r;
    struct ssp__address seen;
    const int lazy = peer_socket_at("127.0.0.2"), fresh = peer_socket_at("127.0.0.3");
    (void)state;
    rig_open(&r, LONG_MS, "127.0.0.1");
    uint16_t port = arrives(&r, lazy, "lazy", &seen);
    comes_back(&r, lazy, &seen, "lazy");
    crowd(&r, 2 * MAX, true);
    (void)arrives(&r, fresh, "fresh", &seen);
    comes_back(&r, fresh, &seen, "fresh");
    assert_int_equal(ssp__assocs_count(r.assocs), MAX);
    assert_int_equal(arrives(&r, lazy, "still here", &seen), port);
    rig_close(&r);
    (void)close(lazy);
    (void)close(fresh);
}

static void beyond_the_limit_the_least_recently_active_goes(void **state)
{
    struct rig r;
    struct ssp__address seen;
    const int busy = peer_socket(), lazy = peer_socket();
    (void)state;
    rig_open(&r, LONG_MS, "127.0.0.1");
    uint16_t lazy_port = arrives(&r, lazy, "lazy", &seen);
    comes_back(&r, lazy, &seen, "lazy");
    uint16_t busy_port = arrives(&r, busy, "busy", &seen);
    comes_back(&r, busy, &seen, "busy");
    for (unsigned i = 0; i < 2 * MAX; i++) {
        crowd(&r, 1, true);
        assert_int_equal(arrives(&r, busy, "busy", &seen), busy_port);
    }
    assert_int_not_equal(arrives(&r, lazy, "lazy", &seen), lazy_port);
    assert_int_equal(ssp__assocs_count(r.assocs), MAX);
    rig_close(&r);
    (void)close(busy);
    (void)close(lazy);
}

static void an_idle_association_ends(void **state)
{
    struct rig r;
    struct ssp__address seen;
    int client = peer_socket();
    (void)state;
    rig_open(&r, SHORT_MS, "127.0.0.1");
    (void)arrives(&r, client, "once", &seen);
    for (unsigned i = 0; i < PEERS_TURNS && ssp__assocs_count(r.assocs) > 0; i++)
        peers_turn(&r.peers);
    assert_int_equal(ssp__assocs_count(r.assocs), 0);
    (void)arrives(&r, client, "and once more", &seen);
    rig_close(&r);
    (void)close(client);
}

static void packets_wait_for_a_name(void **state)
{
    struct rig r;
    struct ssp__address seen;
    char got[8];
    int client = peer_socket();
    (void)state;
    rig_open(&r, LONG_MS, "localhost");
    for (char c = 'a'; c < 'e'; c++)
        ask(&r, client, &c, 1);
    for (char c = 'a'; c < 'e'; c++) {
        assert_int_equal(peers_await(&r.peers, r.target_fd, got, sizeof got, &seen), 1);
        assert_int_equal(got[0], c);
    }
    (void)arrives(&r, client, "known by now", &seen);
    comes_back(&r, client, &seen, "hello");
    rig_close(&r);
    (void)close(client);
}

/* The answer for the other family never comes. */
static void one_answer_is_enough_for_a_packet(void **state)
{
    (void)state;
    for (unsigned family = 0; family < QUESTIONS; family++) {
        struct question q[QUESTIONS];
        struct ssp__address seen;
        struct rig r;
        char got[8];
        int client = peer_socket();
        rig_open(&r, LONG_MS, "one.example.");
        ask(&r, client, "x", 1);
        take_questions(r.nameserver, r.peers.program.loop, q);
        answer(r.nameserver, &q[family], family == 0 ? "127.0.0.1" : "::ffff:127.0.0.1");
        assert_int_equal(peers_await(&r.peers, r.target_fd, got, sizeof got, &seen), 1);
        rig_close(&r);
        (void)close(client);
    }
}

static bool denies(const void *arg, const struct ssp__endpoint *e, const struct ssp__address *a,
                   char why[SSP_PERMIT_WHY_MAX])
{
    (void)arg, (void)e, (void)a;
    (void)snprintf(why, SSP_PERMIT_WHY_MAX, "denied");
    return false;
}

static void a_packet_that_is_not_sent_has_room_in_front_of_it(void **state)
{
    struct rig r;
    int client = peer_socket();
    (void)state;
    rig_open(&r, LONG_MS, "localhost");
    r.permit.fn = denies;
    ask(&r, client, "lost", 4);
    for (unsigned i = 0; i < PEERS_TURNS && r.unsent == 0; i++)
        peers_turn(&r.peers);
    assert_int_equal(r.unsent, 1);
    rig_close(&r);
    (void)close(client);
}

static void an_end_during_a_lookup_leaves_nothing(void **state)
{
    struct rig r;
    int client = peer_socket();
    (void)state;
    rig_open(&r, LONG_MS, "nobody.invalid");
    ask(&r, client, "lost", 4);
    struct pollfd p = {.fd = r.nameserver, .events = POLLIN};
    for (unsigned i = 0; i < PEERS_TURNS && poll(&p, 1, 0) == 0; i++)
        peers_turn(&r.peers);
    assert_int_equal(r.asked, 1);
    assert_int_equal(p.revents, POLLIN); /* it has been asked, and the lookup goes on */
    rig_close(&r);
    (void)close(client);
}

static void packets_of_every_size_pass_whole(void **state)
{
    static uint8_t sent[LARGEST], got[LARGEST + 1];
    static const size_t sizes[] = {0, 1, 1472, 1473, 9000, LARGEST};
    struct rig r;
    struct ssp__address seen;
    int client = peer_socket();
    (void)state;
    rig_open(&r, LONG_MS, "127.0.0.1");
    r.peers.program.worker->world.random(NULL, sent, sizeof sent);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ask(&r, client, sent, sizes[i]);
        assert_int_equal(peers_await(&r.peers, r.target_fd, got, sizeof got, &seen), sizes[i]);
        assert_memory_equal(got, sent, sizes[i]);
    }
    rig_close(&r);
    (void)close(client);
}

/* More than one system call takes, and several clients in turns. */
static void a_burst_arrives_in_order(void **state)
{
    enum { BURST = 50, CLIENTS = 3 };
    struct rig r;
    struct ssp__address seen;
    uint8_t got[8], next[CLIENTS] = {0};
    int client[CLIENTS];
    (void)state;
    rig_open(&r, LONG_MS, "127.0.0.1");
    for (unsigned i = 0; i < CLIENTS; i++)
        client[i] = peer_socket();
    for (unsigned i = 0; i < BURST * CLIENTS; i++)
        ask(&r, client[i % CLIENTS],
            (const uint8_t[]){(uint8_t)(i % CLIENTS), (uint8_t)(i / CLIENTS)}, 2);
    for (unsigned i = 0; i < BURST * CLIENTS; i++) {
        assert_int_equal(peers_await(&r.peers, r.target_fd, got, sizeof got, &seen), 2);
        assert_int_equal(got[1], next[got[0]]++);
    }
    assert_int_equal(ssp__assocs_count(r.assocs), CLIENTS);
    rig_close(&r);
    for (unsigned i = 0; i < CLIENTS; i++)
        (void)close(client[i]);
}

/* A client that is connected hears nothing from any other address. */
static void an_answer_comes_from_the_address_that_was_asked(void **state)
{
    static const struct {
        const char *door, *asked;
    } rows[] = {
        {"0.0.0.0", "127.0.0.1"}, {"0.0.0.0", "127.0.0.2"}, {"::", "::1"}, {"::", "127.0.0.3"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;
        struct ssp__address seen, to;
        struct ssp__endpoint door = {.port = 0};
        char got[8], why[256];
        rig_open(&r, LONG_MS, "127.0.0.1");
        assert_int_equal(ssp__endpoint_set(&door, rows[i].door, 0), 0);
        int port = ssp__assocs_listen(r.assocs, &door, why, sizeof why);
        assert_true(port > 0);
        assert_int_equal(ssp__address_parse(&to, rows[i].asked, (uint16_t)port), 0);
        int client = socket(to.u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, &to.u.any, to.len), 0);
        assert_int_equal(send(client, "ask", 3, 0), 3);
        assert_int_equal(peers_await(&r.peers, r.target_fd, got, sizeof got, &seen), 3);
        assert_int_equal(sendto(r.target_fd, "tell", 4, 0, &seen.u.any, seen.len), 4);
        assert_int_equal(peers_await(&r.peers, client, got, sizeof got, &seen), 4);
        rig_close(&r);
        (void)close(client);
    }
}

static void a_port_that_is_taken_is_an_error(void **state)
{
    struct rig r;
    char why[256];
    struct ssp__endpoint taken;
    int fd = peer_socket();
    (void)state;
    assert_int_equal(ssp__endpoint_set(&taken, "127.0.0.1", peer_port(fd)), 0);
    rig_open(&r, LONG_MS, "127.0.0.1");
    assert_int_equal(ssp__assocs_listen(r.assocs, &taken, why, sizeof why), -1);
    assert_non_null(strstr(why, strerror(EADDRINUSE)));
    rig_close(&r);
    (void)close(fd);
}

static void an_outgoing_socket_has_the_address_it_was_given(void **state)
{
    const char *why = NULL;
    struct ssp__address from, bound = {.len = sizeof bound.u};
    (void)state;
    assert_int_equal(ssp__address_parse(&from, "127.0.0.2", 0), 0);
    struct ssp__socket_options options = {.bind_v4 = &from};
    int fd = ssp__datagram_outgoing(AF_INET, &options, &why);
    assert_int_not_equal(fd, -1);
    assert_int_equal(getsockname(fd, &bound.u.any, &bound.len), 0);
    assert_int_equal(bound.u.v4.sin_addr.s_addr, from.u.v4.sin_addr.s_addr);
    (void)close(fd);

    options = (struct ssp__socket_options){.interface = "no-such-interface"};
    assert_int_equal(ssp__datagram_outgoing(AF_INET, &options, &why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_client_has_a_socket_of_its_own),
        cmocka_unit_test(beyond_the_limit_the_unanswered_go_first),
        cmocka_unit_test(a_source_with_its_share_displaces_itself),
        cmocka_unit_test(a_source_with_most_makes_room_for_everybody),
        cmocka_unit_test(beyond_the_limit_the_least_recently_active_goes),
        cmocka_unit_test(an_idle_association_ends),
        cmocka_unit_test(packets_wait_for_a_name),
        cmocka_unit_test(one_answer_is_enough_for_a_packet),
        cmocka_unit_test(a_packet_that_is_not_sent_has_room_in_front_of_it),
        cmocka_unit_test(an_end_during_a_lookup_leaves_nothing),
        cmocka_unit_test(packets_of_every_size_pass_whole),
        cmocka_unit_test(a_burst_arrives_in_order),
        cmocka_unit_test(an_answer_comes_from_the_address_that_was_asked),
        cmocka_unit_test(a_port_that_is_taken_is_an_error),
        cmocka_unit_test(an_outgoing_socket_has_the_address_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
