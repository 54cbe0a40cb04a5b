/* SPDX-License-Identifier: Apache-2.0 */
/* Names, asked of a DNS server (RFC 1035) that is the test itself. */
#include "net/resolver.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, HEADER = 12, TYPE_A = 1, RCODE_NAME = 3, QUESTIONS = 2 };

struct rig {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    int server;
    unsigned answers, n; /* how often the callback came, and with how many addresses last */
    struct ssp__address first;
    char why[128];
};

static void rig_open(struct rig *r)
{
    struct ssp__address a;
    char text[SSP_ADDRESS_TEXT_MAX];
    const char *why;
    *r = (struct rig){.loop = ssp_loop_new()};
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", 0), 0);
    r->server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->server, &a.u.any, a.len), 0);
    assert_int_equal(getsockname(r->server, &a.u.any, &a.len), 0);
    ssp__address_format(&a, text, sizeof text);
    r->resolver = ssp__resolver_new(r->loop, text, false, &why);
    assert_non_null(r->resolver);
}

static void rig_close(struct rig *r)
{
    ssp__resolver_free(r->resolver);
    ssp_loop_free(r->loop);
    (void)close(r->server);
}

static void resolved(void *arg, const struct ssp__address *addresses, unsigned n, const char *why)
{
    struct rig *r = arg;
    r->answers++;
    r->n = n;
    if (n > 0)
        r->first = addresses[0];
    else
        (void)snprintf(r->why, sizeof r->why, "%s", why);
}

static struct ssp__query *ask(struct rig *r, const char *name)
{
    struct ssp__endpoint e;
    assert_int_equal(ssp__endpoint_set(&e, name, 443), 0);
    struct ssp__query *query = ssp__resolve(r->resolver, &e, resolved, r);
    assert_non_null(query);
    return query;
}

/* Answers one question of at most n bytes in its own packet: 192.0.2.1, no address of that type, or
 * no such name.  Returns the length. */
static size_t answer(uint8_t *packet, size_t n, bool known)
{
    static const uint8_t record[] = {0xc0, HEADER, 0, TYPE_A, 0,   1, 0, 0,
                                     0,    60,     0, 4,      192, 0, 2, 1};
    size_t end = HEADER + strlen((const char *)packet + HEADER) + 1 + 4;
    assert_in_range(end, HEADER, n);
    bool address = known && packet[end - 3] == TYPE_A;
    packet[2] |= 0x80; /* an answer */
    packet[3] = known ? 0x80 : 0x80 | RCODE_NAME;
    memset(packet + 6, 0, 6); /* no records but this one */
    packet[7] = address;
    if (address)
        memcpy(packet + end, record, sizeof record);
    return address ? end + sizeof record : end;
}

/* Both questions about a name, for its IPv4 and its IPv6 address. */
static void serve(struct rig *r, bool known)
{
    for (int i = 0; i < QUESTIONS; i++) {
        uint8_t packet[1024] = {0};
        struct ssp__address client = {.len = sizeof client.u};
        struct pollfd p = {.fd = r->server, .events = POLLIN};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        ssize_t n = recvfrom(r->server, packet, sizeof packet / 2, 0, &client.u.any, &client.len);
        assert_true(n > HEADER);
        size_t len = answer(packet, (size_t)n, known);
        assert_int_equal(sendto(r->server, packet, len, 0, &client.u.any, client.len), len);
    }
}

static void turn(struct rig *r)
{
    for (int i = 0; i < WAIT_MS / 100 && r->answers == 0; i++)
        assert_int_equal(ssp_loop_turn(r->loop, 100), 0);
    assert_int_equal(r->answers, 1);
}

static void a_name_becomes_an_address_with_the_port_of_the_endpoint(void **unused)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "a.example");
    serve(&r, true);
    assert_int_equal(r.answers, 0); /* never within the call */
    turn(&r);
    assert_int_equal(r.n, 1);
    ssp__address_format(&r.first, text, sizeof text);
    assert_string_equal(text, "192.0.2.1:443");
    rig_close(&r);
}

static void a_name_that_nobody_has_is_a_failure_with_a_reason(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "b.example");
    serve(&r, false);
    turn(&r);
    assert_int_equal(r.n, 0);
    assert_true(strlen(r.why) > 0);
    rig_close(&r);
}

/* No server is asked for what cannot be a name, and still the callback comes from the loop. */
static void an_impossible_name_fails_later_too(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "a..example");
    assert_int_equal(r.answers, 0);
    turn(&r);
    assert_int_equal(r.n, 0);
    ssp__query_cancel(ask(&r, "a..example"));
    assert_int_equal(ssp_loop_turn(r.loop, 0), 0);
    assert_int_equal(r.answers, 1);
    rig_close(&r);
}

/* The leak checker watches: the answer to a forgotten query comes in the last turn of the loop. */
static void an_answer_that_nobody_waits_for_is_dropped(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    struct ssp__query *query = ask(&r, "c.example");
    ssp__query_cancel(query);
    serve(&r, true);
    assert_int_equal(ssp_loop_turn(r.loop, WAIT_MS), 0);
    assert_int_equal(r.answers, 0);
    rig_close(&r);
}

static void a_resolver_ends_with_questions_open(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "d.example");
    ssp__query_cancel(ask(&r, "e.example"));
    rig_close(&r);
    assert_int_equal(r.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_becomes_an_address_with_the_port_of_the_endpoint),
        cmocka_unit_test(a_name_that_nobody_has_is_a_failure_with_a_reason),
        cmocka_unit_test(an_impossible_name_fails_later_too),
        cmocka_unit_test(an_answer_that_nobody_waits_for_is_dropped),
        cmocka_unit_test(a_resolver_ends_with_questions_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
