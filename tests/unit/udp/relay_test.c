/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UDP of a service with a toy codec of packets: a session, a number and the payload.  The
 * session is the key of an association, whatever address its packets come from, and a number counts
 * once.
 */
#include "base/io.h"
#include "udp/relay.h"
#include "udp_peer.h"

#include <stdlib.h>

enum { HEAD = 2, ASSOCIATIONS = 2, ANSWERS_FROM = 100, SECRET = 0x5a };

/* ---- the toy ---- */

struct toy_state {
    uint8_t *session; /* owned; NULL: the association is new */
    uint8_t said;     /* number of our last packet */
    bool heard[256];
};

static int toy_identify(struct ssp__packet_io *p, struct ssp__packet_key *key)
{
    p->why = "short";
    if (p->len < HEAD)
        return -1;
    *key = (struct ssp__packet_key){{p->bytes[0] ^ SECRET}};
    return 0;
}

static unsigned living; /* states of all toys */

static int toy_open(struct ssp__packet_io *p)
{
    struct toy_state *s = p->state;
    uint8_t session = p->bytes[0] ^ SECRET, number = p->bytes[1];
    p->why = "a session of nobody";
    if (session == 0)
        return -1;
    if (s->session == NULL) {
        s->session = malloc(1);
        assert_non_null(s->session);
        *s->session = session;
        living++;
    }
    assert_int_equal(*s->session, session);
    p->why = "a number that has come before";
    if (s->heard[number] || number == 0)
        return -1;
    s->heard[number] = true;
    p->len -= HEAD;
    memcpy(p->room, p->bytes + HEAD, p->len);
    p->bytes = p->room;
    return 0;
}

static int toy_seal(struct ssp__packet_io *p)
{
    struct toy_state *s = p->state;
    p->room[0] = *s->session ^ SECRET;
    p->room[1] = (uint8_t)(ANSWERS_FROM + s->said++);
    memcpy(p->room + HEAD, p->bytes, p->len);
    p->bytes = p->room;
    p->len += HEAD;
    return 0;
}

static void toy_close(void *state)
{
    struct toy_state *s = state;
    living -= s->session != NULL;
    free(s->session);
    s->session = NULL;
}

static const struct ssp__packets toy = {.name = "toy",
                                        .state_size = sizeof(struct toy_state),
                                        .identify = toy_identify,
                                        .open = toy_open,
                                        .seal = toy_seal,
                                        .close = toy_close};

/* ---- the rig: a server of the toy, its clients, and one target ---- */

struct rig {
    struct peers peers;
    struct ssp__service service;
    struct ssp__endpoint target;
    struct ssp__udp *udp;
    struct ssp__address at; /* where clients send to */
    int target_fd;
    unsigned traffic;
    struct ssp__bucket bucket; /* without a rate, unless the test gives it one */
};

/* ---- what limits cost ---- */

static unsigned asked, taken; /* how often each was called */

bool __real_ssp__bucket_admits(struct ssp__bucket *bucket, uint64_t now_ms);
bool __wrap_ssp__bucket_admits(struct ssp__bucket *bucket, uint64_t now_ms);
bool __wrap_ssp__bucket_admits(struct ssp__bucket *bucket, uint64_t now_ms)
{
    asked++;
    return __real_ssp__bucket_admits(bucket, now_ms);
}

void __real_ssp__bucket_take(struct ssp__bucket *bucket, uint64_t bytes);
void __wrap_ssp__bucket_take(struct ssp__bucket *bucket, uint64_t bytes);
void __wrap_ssp__bucket_take(struct ssp__bucket *bucket, uint64_t bytes)
{
    taken++;
    __real_ssp__bucket_take(bucket, bytes);
}

static void traffic(void *arg)
{
    ((struct rig *)arg)->traffic++;
}

static bool to_target(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct rig *r = arg;
    assert_null(query->target);
    plan->endpoint = &r->target;
    plan->endpoints = 1;
    return true;
}

static void rig_open(struct rig *r)
{
    struct ssp__endpoint here;
    char why[256];
    *r = (struct rig){.target_fd = peer_socket()};
    peers_open(&r->peers, NULL);
    living = 0;
    assert_int_equal(ssp__endpoint_set(&r->target, "127.0.0.1", peer_port(r->target_fd)), 0);
    r->service = (struct ssp__service){
        .name = "toy",
        .coded = SSP_ACCEPTED,
        .role = SSP_SERVER,
        .packets = &toy,
        .plan = to_target,
        .plan_arg = r,
        .limits = {.idle_ms = 60000, .associations = ASSOCIATIONS},
    };
    r->udp = ssp__udp_open(&(struct ssp__udp_conf){.program = &r->peers.program,
                                                   .service = &r->service,
                                                   .on_traffic = traffic,
                                                   .arg = r,
                                                   .bucket = &r->bucket});
    assert_non_null(r->udp);
    assert_int_equal(ssp__endpoint_set(&here, "127.0.0.1", 0), 0);
    int port = ssp__udp_listen(r->udp, &here, why, sizeof why);
    assert_true(port > 0);
    assert_int_equal(ssp__address_parse(&r->at, "127.0.0.1", (uint16_t)port), 0);
}

static void rig_close(struct rig *r)
{
    ssp__udp_close(r->udp);
    assert_int_equal(living, 0);
    peers_close(&r->peers);
    (void)close(r->target_fd);
}

static void say(const struct rig *r, int client, uint8_t session, uint8_t number, char text)
{
    const uint8_t bytes[] = {session ^ SECRET, number, (uint8_t)text};
    assert_int_equal(sendto(client, bytes, sizeof bytes, 0, &r->at.u.any, r->at.len), sizeof bytes);
}

/* The target hears text.  Returns the address that it comes from. */
static struct ssp__address heard(struct rig *r, char text)
{
    struct ssp__address from;
    char got[8];
    assert_int_equal(peers_await(&r->peers, r->target_fd, got, sizeof got, &from), 1);
    assert_int_equal(got[0], text);
    return from;
}

static void answer(const struct rig *r, const struct ssp__address *to, char text)
{
    assert_int_equal(sendto(r->target_fd, &text, 1, 0, &to->u.any, to->len), 1);
}

static void comes_back(struct rig *r, int client, uint8_t session, uint8_t number, char text)
{
    struct ssp__address from;
    uint8_t got[8];
    assert_int_equal(peers_await(&r->peers, client, got, sizeof got, &from), HEAD + 1);
    assert_int_equal(got[0] ^ SECRET, session);
    assert_int_equal(got[1], number);
    assert_int_equal(got[2], text);
}

/* Waits until n packets have been refused. */
static void refused(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < PEERS_TURNS && ssp__udp_counters(r->udp).foreign < n; i++)
        peers_turn(&r->peers);
    assert_int_equal(ssp__udp_counters(r->udp).foreign, n);
}

/* ---- tests ---- */

static void a_session_keeps_its_association_when_its_address_changes(void **state)
{
    struct rig r;
    const int home = peer_socket(), away = peer_socket();
    (void)state;
    rig_open(&r);
    say(&r, home, 7, 1, 'a');
    struct ssp__address first = heard(&r, 'a');
    answer(&r, &first, 'A');
    comes_back(&r, home, 7, ANSWERS_FROM, 'A');
    say(&r, away, 7, 2, 'b');
    struct ssp__address second = heard(&r, 'b');
    assert_true(ssp__address_same(&first, &second));
    answer(&r, &second, 'B');
    comes_back(&r, away, 7, ANSWERS_FROM + 1, 'B');
    assert_int_equal(living, 1);
    rig_close(&r);
    (void)close(home);
    (void)close(away);
}

static void sessions_of_one_address_are_associations_of_their_own(void **state)
{
    struct rig r;
    const int client = peer_socket();
    (void)state;
    rig_open(&r);
    say(&r, client, 7, 1, 'a');
    struct ssp__address seven = heard(&r, 'a');
    say(&r, client, 8, 1, 'b');
    struct ssp__address eight = heard(&r, 'b');
    assert_false(ssp__address_same(&seven, &eight));
    answer(&r, &seven, 'A');
    comes_back(&r, client, 7, ANSWERS_FROM, 'A');
    answer(&r, &eight, 'B');
    comes_back(&r, client, 8, ANSWERS_FROM, 'B');
    rig_close(&r);
    (void)close(client);
}

/* A refused packet moves neither the client's address nor an association. */
static void a_number_counts_once_in_its_session(void **state)
{
    struct rig r;
    const int client = peer_socket(), thief = peer_socket();
    (void)state;
    rig_open(&r);
    say(&r, client, 7, 1, 'a');
    struct ssp__address from = heard(&r, 'a');
    say(&r, thief, 7, 1, 'x');
    refused(&r, 1);
    say(&r, client, 8, 1, 'b');
    (void)heard(&r, 'b');
    answer(&r, &from, 'A');
    comes_back(&r, client, 7, ANSWERS_FROM, 'A');
    rig_close(&r);
    (void)close(client);
    (void)close(thief);
}

static void what_is_refused_takes_no_association(void **state)
{
    struct rig r;
    const int client = peer_socket(), noise = peer_socket();
    (void)state;
    rig_open(&r);
    say(&r, client, 1, 1, 'a');
    struct ssp__address from = heard(&r, 'a');
    say(&r, noise, 0, 1, 'x');
    for (uint8_t session = 2; session < 10; session++)
        say(&r, noise, session, 0, 'x');
    assert_int_equal(sendto(noise, "x", 1, 0, &r.at.u.any, r.at.len), 1);
    refused(&r, 10);
    assert_int_equal(living, 1);
    say(&r, client, 1, 2, 'b');
    struct ssp__address again = heard(&r, 'b');
    assert_true(ssp__address_same(&from, &again));
    rig_close(&r);
    (void)close(client);
    (void)close(noise);
}

static void an_association_that_has_to_go_releases_its_state(void **state)
{
    struct rig r;
    const int client = peer_socket();
    (void)state;
    rig_open(&r);
    for (uint8_t session = 1; session < 10; session++) {
        say(&r, client, session, 1, 'a');
        (void)heard(&r, 'a');
        assert_true(living <= ASSOCIATIONS);
    }
    rig_close(&r);
    (void)close(client);
}

/* A packet may have been recorded, and sent from the address of a victim. */
static void answers_to_a_new_address_are_limited_until_it_goes_on(void **state)
{
    enum { LARGE = 32 * 1024 };
    static uint8_t large[LARGE];
    struct rig r;
    struct ssp__address from, unused;
    const int home = peer_socket(), away = peer_socket();
    (void)state;
    rig_open(&r);
    say(&r, home, 7, 1, 'a');
    (void)heard(&r, 'a');
    say(&r, home, 7, 2, 'b');
    (void)heard(&r, 'b');
    say(&r, away, 7, 3, 'c');
    from = heard(&r, 'c');
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(sendto(r.target_fd, large, LARGE, 0, &from.u.any, from.len), LARGE);
    refused(&r, 2);
    assert_int_equal(peers_await(&r.peers, away, large, LARGE, &unused), LARGE);
    say(&r, away, 7, 4, 'd');
    (void)heard(&r, 'd');
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sendto(r.target_fd, large, LARGE, 0, &from.u.any, from.len), LARGE);
        assert_int_equal(peers_await(&r.peers, away, large, LARGE, &unused), LARGE);
    }
    rig_close(&r);
    (void)close(home);
    (void)close(away);
}

/* The kernel drops it: the socket is connected to the endpoint of the plan. */
static void an_answer_of_another_address_is_dropped(void **state)
{
    struct rig r;
    const int client = peer_socket(), other = peer_socket();
    (void)state;
    rig_open(&r);
    say(&r, client, 1, 1, 'a');
    struct ssp__address from = heard(&r, 'a');
    assert_int_equal(sendto(other, "x", 1, 0, &from.u.any, from.len), 1);
    answer(&r, &from, 'A');
    comes_back(&r, client, 1, ANSWERS_FROM, 'A');
    struct ssp__counters counters = ssp__udp_counters(r.udp);
    assert_int_equal(counters.bytes_up, 1);
    assert_int_equal(counters.bytes_down, 1);
    assert_int_equal(counters.foreign, 0);
    assert_int_equal(r.traffic, 2);
    rig_close(&r);
    (void)close(client);
    (void)close(other);
}

static void an_endpoint_without_a_port_is_not_ready(void **state)
{
    struct rig r;
    const int client = peer_socket();
    uint16_t port;
    (void)state;
    rig_open(&r);
    port = r.target.port;
    r.target.port = 0;
    say(&r, client, 1, 1, 'a');
    refused(&r, 1);
    assert_int_equal(living, 0);
    r.target.port = port;
    say(&r, client, 1, 1, 'b');
    (void)heard(&r, 'b');
    rig_close(&r);
    (void)close(client);
}

/* In both directions; with a rate the bucket is empty at first, so that a packet is dropped. */
static void packets_without_a_rate_do_not_pay_for_one(void **state)
{
    struct rig r;
    const int client = peer_socket();
    (void)state;
    rig_open(&r);
    asked = taken = 0;
    say(&r, client, 1, 1, 'a');
    struct ssp__address from = heard(&r, 'a');
    answer(&r, &from, 'A');
    comes_back(&r, client, 1, ANSWERS_FROM, 'A');
    assert_int_equal(asked + taken, 0);
    ssp__bucket_set(&r.bucket, UINT64_C(1) << 30);
    say(&r, client, 1, 2, 'b');
    for (unsigned i = 0; i < PEERS_TURNS && asked == 0; i++)
        peers_turn(&r.peers);
    assert_true(asked > 0);
    rig_close(&r);
    (void)close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_keeps_its_association_when_its_address_changes),
        cmocka_unit_test(sessions_of_one_address_are_associations_of_their_own),
        cmocka_unit_test(a_number_counts_once_in_its_session),
        cmocka_unit_test(what_is_refused_takes_no_association),
        cmocka_unit_test(an_association_that_has_to_go_releases_its_state),
        cmocka_unit_test(answers_to_a_new_address_are_limited_until_it_goes_on),
        cmocka_unit_test(an_answer_of_another_address_is_dropped),
        cmocka_unit_test(an_endpoint_without_a_port_is_not_ready),
        cmocka_unit_test(packets_without_a_rate_do_not_pay_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
