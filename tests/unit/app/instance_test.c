/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two servers in one process, with ports, methods and keys of their own, and a tunnel to each in
 * the same process.  The test is the user and the targets; each server has its target.
 */
#include "app/plugin.h"
#include "app/programs.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    WAIT_MS = 20000,
    TURN_MS = 10,
    LONG_MS = 60000,
    TRIES = 16,
    HEADER = 7 /* of an IPv4 target */
};

/* A server, the tunnel to it, and the target behind. */
struct pair {
    struct ss_conf server_conf, tunnel_conf;
    struct ss_instance server, tunnel;
    int target_fd, target_udp;
    unsigned drained;
};

struct rig {
    struct ss_process process;
    struct pair a, b;
    unsigned descriptors; /* before there was an instance */
};

/* ---- sockets of the test ---- */

static int bound_socket(int type, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    at.sin_port = htons(*port);
    if (bind(fd, (struct sockaddr *)&at, len) == -1) {
        (void)close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Returns -1 when it is refused. */
static int connected_socket(int type, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    to.sin_port = htons(port);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static unsigned count_descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* ---- time ---- */

static void turn(struct rig *r)
{
    assert_int_equal(ssp_loop_turn(r->process.program.loop, TURN_MS), 0);
}

static void await_readable(struct rig *r, int fd)
{
    const ssp_loop *loop = r->process.program.loop;
    uint64_t begin = ssp__loop_now_ms(loop);
    while (!readable(fd) && ssp__loop_now_ms(loop) - begin < WAIT_MS)
        turn(r);
    assert_true(readable(fd));
}

static void await_count(struct rig *r, const unsigned *count, unsigned n)
{
    const ssp_loop *loop = r->process.program.loop;
    uint64_t begin = ssp__loop_now_ms(loop);
    while (*count != n && ssp__loop_now_ms(loop) - begin < WAIT_MS)
        turn(r);
    assert_int_equal(*count, n);
}

static void expect(struct rig *r, int fd, const char *text)
{
    char got[64];
    await_readable(r, fd);
    assert_int_equal(recv(fd, got, sizeof got, 0), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void expect_end(struct rig *r, int fd)
{
    char byte;
    await_readable(r, fd);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* ---- two pairs ---- */

static void fill_conf(struct ss_conf *conf, const char *method, const char *password)
{
    *conf = (struct ss_conf){.mode = SSP_TCP_AND_UDP,
                             .outbound = SS_OUTBOUND_ALL,
                             .timeout_s = 60,
                             .servers = 1,
                             .plugin_ready_ms = WAIT_MS,
                             .method = strdup(method),
                             .password = strdup(password)};
    assert_int_equal(ssp__endpoint_set(&conf->server[0], "127.0.0.1", 0), 0);
}

static void open_server(struct rig *r, struct pair *p, const char *method, const char *password)
{
    fill_conf(&p->server_conf, method, password);
    assert_int_equal(ss_instance_open(&p->server, &r->process, SS_SERVER, &p->server_conf), 0);
    assert_int_not_equal(p->server_conf.server[0].port, 0);
}

/* TCP and UDP of the same port. */
static uint16_t target_port(struct pair *p)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint16_t port = 0;
        p->target_fd = bound_socket(SOCK_STREAM, &port);
        assert_int_equal(listen(p->target_fd, 8), 0);
        p->target_udp = bound_socket(SOCK_DGRAM, &port);
        if (p->target_udp != -1)
            return port;
        (void)close(p->target_fd); /* another one has it */
    }
    fail_msg("no free port");
    return 0;
}

static void open_tunnel(struct rig *r, struct pair *p, const char *method, const char *password)
{
    char target[32];
    uint16_t port = target_port(p);
    (void)snprintf(target, sizeof target, "127.0.0.1:%u", port);
    fill_conf(&p->tunnel_conf, method, password);
    p->tunnel_conf.server[0].port = p->server_conf.server[0].port;
    p->tunnel_conf.local_address = strdup("127.0.0.1");
    p->tunnel_conf.tunnel_address = strdup(target);
    assert_int_equal(ss_instance_open(&p->tunnel, &r->process, SS_TUNNEL, &p->tunnel_conf), 0);
}

static void close_pair(struct pair *p)
{
    ss_instance_close(&p->tunnel);
    ss_instance_close(&p->server);
    ss_conf_release(&p->tunnel_conf);
    ss_conf_release(&p->server_conf);
    if (p->target_fd > 0)
        (void)close(p->target_fd);
    if (p->target_udp > 0)
        (void)close(p->target_udp);
}

static void open_process(struct rig *r)
{
    assert_int_not_equal(sodium_init(), -1);
    *r = (struct rig){.descriptors = 0};
    assert_int_equal(ss_process_open(&r->process, SS_SERVER, &(struct ss_conf){.servers = 0}), 0);
    assert_non_null(ssp__worker_batch(r->process.program.worker)); /* all UDP has it together */
    r->descriptors = count_descriptors();
}

static void open_rig(struct rig *r)
{
    open_process(r);
    open_server(r, &r->a, "aes-128-gcm", "first");
    open_tunnel(r, &r->a, "aes-128-gcm", "first");
    open_server(r, &r->b, "chacha20-ietf-poly1305", "second");
    open_tunnel(r, &r->b, "chacha20-ietf-poly1305", "second");
}

static void close_rig(struct rig *r)
{
    close_pair(&r->a);
    close_pair(&r->b);
    assert_int_equal(count_descriptors(), r->descriptors);
    ss_process_close(&r->process);
}

/* A connection through a pair. */
struct connection {
    int user, target;
};

static struct connection open_connection(struct rig *r, struct pair *p)
{
    struct connection connection = {.user = connected_socket(SOCK_STREAM, p->tunnel.local.port)};
    say(connection.user, "there");
    await_readable(r, p->target_fd);
    connection.target = accept4(p->target_fd, NULL, NULL, SOCK_CLOEXEC);
    expect(r, connection.target, "there");
    return connection;
}

static void carries(struct rig *r, const struct connection *connection)
{
    say(connection->target, "and back");
    expect(r, connection->user, "and back");
    say(connection->user, "again");
    expect(r, connection->target, "again");
}

/* The end of the user's side reaches the target. */
static void close_connection(struct rig *r, const struct connection *connection)
{
    (void)close(connection->user);
    expect_end(r, connection->target);
    (void)close(connection->target);
}

/* ---- tests ---- */

static void each_counts_what_is_its_own(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    struct connection first = open_connection(&r, &r.a), second = open_connection(&r, &r.b),
                      third = open_connection(&r, &r.b);
    carries(&r, &third);
    assert_int_equal(r.a.server.relay.live, 1);
    assert_int_equal(r.b.server.relay.live, 2);
    assert_int_equal(r.a.server.relay.meter->counters.accepted, 1);
    assert_int_equal(r.b.server.relay.meter->counters.accepted, 2);
    assert_int_equal(r.a.tunnel.relay.meter->counters.bytes_up, HEADER + 5);
    assert_int_equal(r.a.tunnel.relay.meter->counters.bytes_down, 0);
    assert_int_equal(r.b.tunnel.relay.meter->counters.bytes_up, 2 * HEADER + 15);
    assert_int_equal(r.b.tunnel.relay.meter->counters.bytes_down, 8);
    close_connection(&r, &first);
    close_connection(&r, &second);
    close_connection(&r, &third);
    close_rig(&r);
}

static void a_pause_is_of_one(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    struct connection before = open_connection(&r, &r.a);
    ssp__instance_pause(&r.a.server.relay, true);
    int waiting = connected_socket(SOCK_STREAM, r.a.tunnel.local.port);
    say(waiting, "later");
    carries(&r, &before);
    struct connection other = open_connection(&r, &r.b);
    carries(&r, &other);
    assert_false(readable(r.a.target_fd));
    assert_int_equal(r.a.server.relay.meter->counters.accepted, 1);
    ssp__instance_pause(&r.a.server.relay, false);
    await_readable(&r, r.a.target_fd);
    struct connection after = {.user = waiting,
                               .target = accept4(r.a.target_fd, NULL, NULL, SOCK_CLOEXEC)};
    expect(&r, after.target, "later");
    close_connection(&r, &before);
    close_connection(&r, &other);
    close_connection(&r, &after);
    close_rig(&r);
}

static void count_drained(void *arg)
{
    ++*(unsigned *)arg;
}

static void a_drain_is_of_one(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    struct connection last = open_connection(&r, &r.a), other = open_connection(&r, &r.b);
    ssp__instance_drain(&r.a.server.relay, LONG_MS, count_drained, &r.a.drained);
    assert_int_equal(connected_socket(SOCK_STREAM, r.a.server_conf.server[0].port), -1);
    carries(&r, &last);
    struct connection more = open_connection(&r, &r.b);
    assert_int_equal(r.a.drained, 0);
    close_connection(&r, &last);
    await_count(&r, &r.a.drained, 1);
    carries(&r, &other);
    close_connection(&r, &other);
    close_connection(&r, &more);
    assert_int_equal(r.a.drained, 1);
    close_rig(&r);
}

/* One user of UDP gets an answer through the pair. */
static void carries_packets(struct rig *r, struct pair *p)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    char got[64];
    int user = connected_socket(SOCK_DGRAM, p->tunnel.local.port);
    say(user, "question");
    await_readable(r, p->target_udp);
    assert_int_equal(recvfrom(p->target_udp, got, sizeof got, 0, (struct sockaddr *)&from, &len),
                     8);
    assert_int_equal(sendto(p->target_udp, "answer", 6, 0, (struct sockaddr *)&from, len), 6);
    expect(r, user, "answer");
    (void)close(user);
}

static void the_end_of_one_frees_what_is_its_own(void **state)
{
    (void)state;
    struct rig r;
    open_process(&r);
    open_server(&r, &r.b, "chacha20-ietf-poly1305", "second");
    open_tunnel(&r, &r.b, "chacha20-ietf-poly1305", "second");
    struct connection other = open_connection(&r, &r.b);
    unsigned without = count_descriptors();
    for (unsigned i = 0; i < 3; i++) {
        open_server(&r, &r.a, "aes-128-gcm", "first");
        open_tunnel(&r, &r.a, "aes-128-gcm", "first");
        carries_packets(&r, &r.a);
        struct connection connection = open_connection(&r, &r.a);
        uint16_t port = r.a.server_conf.server[0].port;
        close_pair(&r.a);
        expect_end(&r, connection.target);
        expect_end(&r, connection.user);
        (void)close(connection.user);
        (void)close(connection.target);
        assert_int_equal(connected_socket(SOCK_STREAM, port), -1);
        assert_int_equal(count_descriptors(), without);
        assert_int_equal(r.process.serving, 2);
        assert_int_equal(r.process.unready, 1); /* the process itself */
        carries(&r, &other);
        r.a = (struct pair){.drained = 0};
    }
    carries_packets(&r, &r.b);
    close_connection(&r, &other);
    close_rig(&r);
}

/* A server whose plugin dies as soon as it runs. */
static void open_doomed(struct rig *r, struct pair *p, bool restart)
{
    fill_conf(&p->server_conf, "aes-128-gcm", "first");
    p->server_conf.mode = SSP_TCP_ONLY;
    p->server_conf.plugin = strdup("/bin/false");
    p->server_conf.server[0].port = 1; /* a plugin is told one; this one does not listen */
    p->server_conf.plugin_restart = restart;
    assert_int_equal(ss_instance_open(&p->server, &r->process, SS_SERVER, &p->server_conf), 0);
}

static void a_plugin_that_dies_ends_its_own_instance(void **state)
{
    (void)state;
    struct rig r;
    open_process(&r);
    open_server(&r, &r.b, "chacha20-ietf-poly1305", "second");
    open_tunnel(&r, &r.b, "chacha20-ietf-poly1305", "second");
    struct connection other = open_connection(&r, &r.b);
    open_doomed(&r, &r.a, false);
    uint16_t hop = r.a.server.plugin->hop.port;
    await_count(&r, &r.process.serving, 2);
    assert_int_equal(connected_socket(SOCK_STREAM, hop), -1);
    carries(&r, &other);
    struct connection more = open_connection(&r, &r.b);
    close_connection(&r, &more);
    close_connection(&r, &other);
    assert_int_equal(r.process.unready, 1); /* the process itself: nothing waits for the dead */
    close_rig(&r);
}

static void the_last_one_ends_the_process(void **state)
{
    (void)state;
    struct rig r;
    open_process(&r);
    open_doomed(&r, &r.a, false);
    open_doomed(&r, &r.b, false);
    assert_int_equal(ss_process_run(&r.process), SS_EXIT_FATAL);
    assert_int_equal(r.process.serving, 0);
    close_rig(&r);
}

static void a_plugin_that_is_started_again_leaves_its_instance_up(void **state)
{
    (void)state;
    struct rig r;
    open_process(&r);
    open_server(&r, &r.b, "chacha20-ietf-poly1305", "second");
    open_tunnel(&r, &r.b, "chacha20-ietf-poly1305", "second");
    open_doomed(&r, &r.a, true);
    await_count(&r, &r.process.starting, 1);
    assert_int_equal(r.process.serving, 3);
    assert_int_equal(r.process.unready, 2);
    int user =
        connected_socket(SOCK_STREAM, r.a.server.plugin->hop.port); /* the hop listens still */
    assert_int_not_equal(user, -1);
    struct connection other = open_connection(&r, &r.b);
    close_connection(&r, &other);
    (void)close(user);
    close_pair(&r.a); /* is not waited for any more */
    assert_int_equal(r.process.serving, 2);
    assert_int_equal(r.process.unready, 1);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_counts_what_is_its_own),
        cmocka_unit_test(a_pause_is_of_one),
        cmocka_unit_test(a_drain_is_of_one),
        cmocka_unit_test(the_end_of_one_frees_what_is_its_own),
        cmocka_unit_test(a_plugin_that_dies_ends_its_own_instance),
        cmocka_unit_test(the_last_one_ends_the_process),
        cmocka_unit_test(a_plugin_that_is_started_again_leaves_its_instance_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
