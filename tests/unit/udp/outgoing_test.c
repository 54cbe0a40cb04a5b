/* SPDX-License-Identifier: Apache-2.0 */
/* A socket toward a server while the network changes: the kernel tells other sources then. */
#include "udp/outgoing.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int former = -1; /* a socket from before the network changed; -1: it has not */

int __real_getsockname(int fd, struct sockaddr *a, socklen_t *len);
int __wrap_getsockname(int fd, struct sockaddr *a, socklen_t *len);

int __wrap_getsockname(int fd, struct sockaddr *a, socklen_t *len)
{
    int rc = __real_getsockname(fd, a, len);
    if (former != -1 && fd != former)
        ((struct sockaddr_in *)(void *)a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    return rc;
}

static void ignore(struct ssp__datagram *from, struct ssp__packet *packet)
{
    (void)from, (void)packet;
}

static const struct ssp__datagram_events events = {ignore, NULL};
static const struct ssp__socket_options none;

struct rig {
    ssp_loop *loop;
    struct ssp__outgoings all;
    struct ssp__outgoing out;
    struct ssp__address server;
    int server_fd;
};

static void rig_open(struct rig *r)
{
    *r = (struct rig){.loop = ssp_loop_new()};
    r->all = (struct ssp__outgoings){
        .batch = ssp__batch_new(r->loop), .options = &none, .events = &events};
    assert_non_null(r->all.batch);
    assert_int_equal(ssp__address_parse(&r->server, "127.0.0.1", 0), 0);
    r->server_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->server_fd, &r->server.u.any, r->server.len), 0);
    assert_int_equal(__real_getsockname(r->server_fd, &r->server.u.any, &r->server.len), 0);
}

static void rig_close(struct rig *r)
{
    ssp__outgoing_close(&r->out);
    ssp__batch_free(r->all.batch);
    ssp_loop_free(r->loop);
    (void)close(r->server_fd);
    former = -1;
}

/* Sends a packet at that time.  Returns the port that the server sees. */
static uint16_t port_at(struct rig *r, uint64_t now_ms)
{
    struct ssp__address seen = {.len = sizeof seen.u};
    struct ssp__named_packet p = {.bytes = ssp__batch_room(r->all.batch), .n = 1, .chosen = true};
    *p.bytes = 'x';
    ssp__outgoing_send(&r->out, &r->all, &p, &r->server, now_ms);
    ssp__batch_flush(r->all.batch);
    assert_int_equal(recvfrom(r->server_fd, p.bytes, 1, 0, &seen.u.any, &seen.len), 1);
    assert_true(r->out.socket.connected);
    return ssp__address_port(&seen);
}

static void a_network_that_changes_brings_another_socket(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r);
    uint16_t port = port_at(&r, 1000);
    assert_int_equal(port_at(&r, 6000), port); /* it looks, and nothing has changed */
    former = r.out.socket.fd;
    assert_int_equal(port_at(&r, 10999), port);
    assert_int_not_equal(port_at(&r, 11000), port);
    rig_close(&r);
}

static void a_server_that_answers_keeps_its_socket(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r);
    uint16_t port = port_at(&r, 1000);
    former = r.out.socket.fd;
    for (uint64_t now_ms = 6000; now_ms < 30000; now_ms += 5000) {
        r.out.heard = true;
        assert_int_equal(port_at(&r, now_ms), port);
    }
    assert_int_not_equal(port_at(&r, 40000), port);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_that_changes_brings_another_socket),
        cmocka_unit_test(a_server_that_answers_keeps_its_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
