/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP of ss-local and ss-server with a method of another family: its password is a number, and its
 * packets have a session that a server knows its clients by.  The test is the user and the target.
 */
#include "../udp/udp_peer.h"
#include "app/plugin.h"
#include "app/udp.h"
#include "base/io.h"
#include "proto/target.h"
#include "udp/assoc.h"

#include <sodium.h>
#include <stdlib.h>

#include "../within.h"

enum { HEAD = 2, SOCKS_HEAD = 3 + 7 };

/* ---- the method ---- */

struct toy_conf {
    const struct ss_cipher *cipher;
    uint8_t mask;
    unsigned *open; /* configurations that are; owned */
};

static int toy_read_key(void *conf, const struct ss_cipher *cipher, const struct ss_secret *secret,
                        char why[SS_WHY_MAX])
{
    struct toy_conf *toy = conf;
    char *end;
    unsigned long mask = strtoul(secret->password, &end, 10);
    toy->cipher = cipher;
    toy->mask = (uint8_t)mask;
    (void)snprintf(why, SS_WHY_MAX, "not a number of 1 to 255");
    return *end == '\0' && mask > 0 && mask <= UINT8_MAX ? 0 : -1;
}

static int toy_open(void *conf)
{
    struct toy_conf *toy = conf;
    toy->open = malloc(sizeof *toy->open);
    return toy->open != NULL ? 0 : -1;
}

static void toy_close(const void *conf)
{
    free(((const struct toy_conf *)conf)->open);
}

static struct ss_span toy_main_key(const void *conf)
{
    return (struct ss_span){&((const struct toy_conf *)conf)->mask, 1};
}

static ssp_verdict toy_stream(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)state;
    const struct toy_conf *toy = ssp_conn_conf(conn);
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    uint8_t *out = ssp_room(io, n);
    for (size_t i = 0; out != NULL && i < n; i++)
        out[i] = in[i] ^ toy->mask;
    if (out == NULL)
        return SSP_OK;
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_MORE;
}

static const ssp_codec toy_codec = {.size = sizeof(ssp_codec),
                                    .name = "toy",
                                    .conf_size = sizeof(struct toy_conf),
                                    .wrap = toy_stream,
                                    .unwrap = toy_stream};

struct toy_state {
    uint8_t session; /* 0: none yet */
};

static int toy_identify(struct ssp__packet_io *p, struct ssp__packet_key *key)
{
    const struct toy_conf *toy = ssp_conn_conf(p->conn);
    p->why = "another method";
    if (p->len < HEAD || p->bytes[0] != toy->mask)
        return -1;
    *key = (struct ssp__packet_key){{p->bytes[1]}};
    return 0;
}

static int toy_cross(struct ssp__packet_io *p, size_t skip, size_t head)
{
    const struct toy_conf *toy = ssp_conn_conf(p->conn);
    for (size_t i = 0; i < p->len - skip; i++)
        p->room[head + i] = p->bytes[skip + i] ^ toy->mask;
    p->bytes = p->room;
    p->len = p->len - skip + head;
    return 0;
}

static int toy_unseal(struct ssp__packet_io *p)
{
    struct toy_state *s = p->state;
    p->why = "another session";
    if (p->len < HEAD || (s->session != 0 && p->bytes[1] != s->session))
        return -1;
    s->session = p->bytes[1];
    return toy_cross(p, HEAD, 0);
}

static int toy_seal(struct ssp__packet_io *p)
{
    const struct toy_conf *toy = ssp_conn_conf(p->conn);
    struct toy_state *s = p->state;
    while (s->session == 0)
        ssp_conn_random(p->conn, &s->session, 1);
    p->room[0] = toy->mask;
    p->room[1] = s->session;
    return toy_cross(p, 0, HEAD);
}

static const struct ssp__packets toy_packets = {.name = "toy",
                                                .state_size = sizeof(struct toy_state),
                                                .authentic = true,
                                                .identify = toy_identify,
                                                .open = toy_unseal,
                                                .seal = toy_seal};

static const struct ss_method toy = {.name = "toy",
                                     .cipher = &ss_ciphers[SS_AES_128_GCM],
                                     .codec = &toy_codec,
                                     .packets = &toy_packets,
                                     .read_key = toy_read_key,
                                     .open = toy_open,
                                     .close = toy_close,
                                     .main_key = toy_main_key};

/* ---- both programs in one loop ---- */

struct rig {
    struct peers peers;
    struct ss_process process;
    struct ss_instance server, client;
    struct ss_conf server_conf, client_conf;
    struct ss_shared_keys server_keys, client_keys;
    struct ss_plugin plugin;
    struct ssp__address at;
    int target_fd, user_fd;
};

static void instance_open(struct rig *r, struct ss_instance *instance, struct ss_conf *conf,
                          struct ss_shared_keys *keys, const struct ss_method *method,
                          char *password)
{
    const struct ss_secret secret = {.password = password};
    char why[SS_WHY_MAX];
    *conf = (struct ss_conf){.mode = SSP_TCP_AND_UDP, .outbound = SS_OUTBOUND_ALL, .timeout_s = 60};
    *instance = (struct ss_instance){.process = &r->process, .conf = conf, .keys = keys};
    ssp__instance_open(&instance->relay, &r->process.program);
    keys->keys.method = method;
    keys->keys.packets_conf = ss_method_conf_new(method, &secret, why);
    assert_non_null(keys->keys.packets_conf);
}

static void instance_close(struct ss_instance *instance)
{
    ssp__udp_close(instance->udp);
    ss_method_conf_free(instance->keys->keys.method, instance->keys->keys.packets_conf);
}

static bool to_target(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    (void)arg;
    plan->endpoint = &query->target->endpoint;
    plan->endpoints = 1;
    return true;
}

static bool to_server(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct ss_instance *client = arg;
    (void)query;
    plan->endpoint = client->conf->server;
    plan->endpoints = 1;
    plan->say_target = true;
    return true;
}

/* As behind a plugin, whose port the system chooses. */
static void open_server(struct ss_instance *instance)
{
    struct ssp__endpoint *hop = &instance->plugin->hop;
    instance->conf->plugin = (char[]){"none"};
    instance->conf->plugin_mode = SSP_TCP_AND_UDP;
    instance->service.role = SSP_SERVER;
    instance->service.coded = SSP_ACCEPTED;
    instance->service.packet_front = &ss_target_packet_front;
    instance->service.plan = to_target;
    ss_plugin_choose_hop(instance->conf, hop);
    assert_int_equal(ss_udp_open(instance, hop, 1, "server at"), 0);
    assert_int_not_equal(hop->port, 0);
}

static void open_client(struct ss_instance *instance, uint16_t server_port, uint16_t *port)
{
    struct ssp__endpoint local;
    instance->service.role = SSP_CLIENT;
    instance->service.coded = SSP_DIALED;
    instance->service.packet_front = &ss_socks_packet_front;
    instance->service.plan = to_server;
    instance->service.plan_arg = instance;
    instance->conf->servers = 1;
    assert_int_equal(ssp__endpoint_set(&instance->conf->server[0], "127.0.0.1", server_port), 0);
    assert_int_equal(ssp__endpoint_set(&local, "127.0.0.1", 0), 0);
    assert_int_equal(ss_udp_open(instance, &local, 1, "client at"), 0);
    *port = local.port;
}

static void rig_open(struct rig *r, const struct ss_method *method, char *ours, char *theirs)
{
    *r = (struct rig){.target_fd = peer_socket(), .user_fd = peer_socket()};
    assert_int_not_equal(sodium_init(), -1);
    peers_open(&r->peers, NULL);
    r->process.program = r->peers.program; /* borrowed */
    instance_open(r, &r->server, &r->server_conf, &r->server_keys, method, theirs);
    r->server.plugin = &r->plugin;
    open_server(&r->server);
    uint16_t port = 0;
    instance_open(r, &r->client, &r->client_conf, &r->client_keys, method, ours);
    open_client(&r->client, r->plugin.hop.port, &port);
    assert_int_equal(ssp__address_parse(&r->at, "127.0.0.1", port), 0);
}

static void rig_close(struct rig *r)
{
    instance_close(&r->client);
    instance_close(&r->server);
    peers_close(&r->peers);
    (void)close(r->target_fd);
    (void)close(r->user_fd);
}

/* The user says text to a target, as a datagram of SOCKS5. */
static void say_to(struct rig *r, int target_fd, const char *text)
{
    uint8_t said[64] = {0, 0, 0, 1, 127, 0, 0, 1};
    uint16_t port = peer_port(target_fd);
    size_t n = strlen(text);
    said[8] = (uint8_t)(port >> 8);
    said[9] = (uint8_t)port;
    memcpy(said + SOCKS_HEAD, text, n);
    assert_int_equal(sendto(r->user_fd, said, SOCKS_HEAD + n, 0, &r->at.u.any, r->at.len),
                     SOCKS_HEAD + n);
}

static void say(struct rig *r, const char *text)
{
    say_to(r, r->target_fd, text);
}

/* The target hears text and answers with `back`, which reaches the user as the target's. */
static void converse(struct rig *r, int target_fd, const char *text, const char *back)
{
    struct ssp__address seen, from;
    const size_t n = strlen(text), back_n = strlen(back);
    uint8_t got[64];
    assert_int_equal(peers_await(&r->peers, target_fd, got, sizeof got, &seen), n);
    assert_memory_equal(got, text, n);
    assert_int_equal(sendto(target_fd, back, back_n, 0, &seen.u.any, seen.len), back_n);
    assert_int_equal(peers_await(&r->peers, r->user_fd, got, sizeof got, &from),
                     SOCKS_HEAD + back_n);
    assert_memory_equal(got, "\0\0\0\x01\x7f\0\0\x01", 8);
    assert_int_equal(got[8] << 8 | got[9], peer_port(target_fd));
    assert_memory_equal(got + SOCKS_HEAD, back, back_n);
}

/* ---- tests ---- */

static void goes_there_and_back(const struct ss_method *method, char *password)
{
    struct rig r;
    rig_open(&r, method, password, password);
    for (unsigned i = 0; i < 3; i++) {
        say(&r, "there");
        converse(&r, r.target_fd, "there", "and back");
    }
    rig_close(&r);
}

static void packets_of_every_family_go_there_and_back(void **state)
{
    (void)state;
    goes_there_and_back(&toy, (char[]){"77"});
    goes_there_and_back(ss_method_find("aes-128-gcm"), (char[]){"secret"});
}

struct choice {
    const struct ss_instance *client;
    uint16_t direct, refused; /* ports */
};

static bool choose(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct choice *c = arg;
    const bool direct = query->target->endpoint.port == c->direct;
    plan->coded = plan->say_target = !direct;
    plan->endpoint = direct ? &query->target->endpoint : &c->client->conf->server[0];
    plan->endpoints = 1;
    return query->target->endpoint.port != c->refused;
}

/* One client, one association: each packet goes where its plan says. */
static void a_plan_decides_for_each_packet(void **state)
{
    struct rig r;
    const int direct = peer_socket(), refused = peer_socket();
    const struct ss_method *method = ss_method_find("aes-128-gcm");
    char got[8];
    (void)state;
    rig_open(&r, method, (char[]){"secret"}, (char[]){"secret"});
    struct choice c = {&r.client, peer_port(direct), peer_port(refused)};
    r.client.udp_service.plan = choose;
    r.client.udp_service.plan_arg = &c;
    for (unsigned i = 1; i < 3; i++) {
        say_to(&r, refused, "not");
        say_to(&r, direct, "around");
        converse(&r, direct, "around", "directly");
        assert_int_equal(ssp__udp_counters(r.client.udp).foreign, i);
        assert_int_equal(ssp__udp_counters(r.server.udp).bytes_up, (i - 1) * 7);
        say(&r, "through");
        converse(&r, r.target_fd, "through", "and back");
        assert_int_equal(ssp__udp_counters(r.server.udp).bytes_up, i * 7);
    }
    assert_int_equal(recv(refused, got, sizeof got, MSG_DONTWAIT), -1);
    rig_close(&r);
    (void)close(direct);
    (void)close(refused);
}

static void another_key_is_refused(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, &toy, (char[]){"77"}, (char[]){"78"});
    say(&r, "there");
    for (unsigned i = 0; i < PEERS_TURNS && ssp__udp_counters(r.server.udp).foreign == 0; i++)
        peers_turn(&r.peers);
    assert_int_equal(ssp__udp_counters(r.server.udp).foreign, 1);
    rig_close(&r);
}

static void a_family_reads_its_own_keys(void **state)
{
    char why[SS_WHY_MAX] = "";
    (void)state;
    assert_null(ss_method_conf_new(&toy, &(struct ss_secret){.password = "secret"}, why));
    assert_string_equal(why, "not a number of 1 to 255");
}

/* The allocator adds 8 bytes, and rounds up to 16; network_test measures it. */
static void an_idle_association_takes_512_bytes_with_every_method(void **state)
{
    (void)state;
    for (size_t i = 0; ss_method_at(i) != NULL; i++)
        assert_within(ssp__assoc_size(ss_method_at(i)->packets->state_size), 1, 512 - 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_every_family_go_there_and_back),
        cmocka_unit_test(a_plan_decides_for_each_packet),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(a_family_reads_its_own_keys),
        cmocka_unit_test(an_idle_association_takes_512_bytes_with_every_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
