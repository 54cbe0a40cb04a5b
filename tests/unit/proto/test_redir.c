/* SPDX-License-Identifier: Apache-2.0 */
/* The front of ss-redir: its targets, the loops that it refuses, and the sources of answers. */
#include "proto/redir.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct rig {
    struct ss_redir_known known;
    struct ss_redir_conf conf;
    struct ssp__address reached;
    uint8_t room[SSP_PACKET_HEADROOM + 5];
    struct ssp__packet_io p;
};

static void reach(struct rig *r, const char *host, uint16_t port)
{
    assert_int_equal(ssp__address_parse(&r->reached, host, port), 0);
    r->p = (struct ssp__packet_io){.bytes = r->room + SSP_PACKET_HEADROOM,
                                   .len = 5,
                                   .front_conf = &r->conf,
                                   .reached = &r->reached};
    memcpy(r->p.bytes, "hello", 5);
}

static bool is_server(const void *arg, const struct ssp__address *a)
{
    struct ssp__address server;
    assert_int_equal(ssp__address_parse(&server, arg, 8388), 0);
    return ssp__address_same(&server, a);
}

static int setup(void **state)
{
    static struct rig r;
    r = (struct rig){.conf = {.is_server = is_server, .arg = "192.0.2.1", .known = &r.known}};
    *state = &r;
    return 0;
}

static void the_target_is_where_the_client_sent_it(void **state)
{
    struct rig *r = *state;
    reach(r, "192.0.2.7", 53);
    assert_int_equal(ss_redir_packet_front.asked(&r->p), 0);
    assert_int_equal(r->p.len, 7 + 5);
    assert_int_equal(r->p.header_len, 7);
    assert_memory_equal(r->p.bytes, "\x01\xc0\0\x02\x07\0\x35hello", 12);
    reach(r, "2001:db8::7", 53);
    assert_int_equal(ss_redir_packet_front.asked(&r->p), 0);
    assert_int_equal(r->p.len, 19 + 5);
    assert_false(r->p.target.endpoint.named);
}

static void refused(struct rig *r, const char *why)
{
    assert_int_equal(ss_redir_packet_front.asked(&r->p), -1);
    assert_non_null(strstr(r->p.why, why));
}

static void loops_are_refused(void **state)
{
    struct rig *r = *state;
    reach(r, "192.0.2.7", 53);
    r->reached.len = 0;
    refused(r, "sent to this port itself");
    reach(r, "192.0.2.1", 8388);
    refused(r, "the target is the server itself");
    reach(r, "192.0.2.1", 80);
    assert_int_equal(ss_redir_packet_front.asked(&r->p), 0);
    reach(r, "192.0.2.1", 0);
    refused(r, "invalid port");
}

static void the_last_addresses_of_a_name_are_known(void **state)
{
    struct rig *r = *state;
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, "198.51.100.1", 8388), 0);
    for (unsigned i = 0; i < 3 * SS_REDIR_KNOWN; i++) {
        reach(r, "198.51.100.1", (uint16_t)(8388 + i));
        assert_int_equal(ss_redir_packet_front.asked(&r->p), 0);
        ss_redir_know(&r->known, &r->reached);
        ss_redir_know(&r->known, &r->reached);
        reach(r, "198.51.100.1", (uint16_t)(8388 + i));
        refused(r, "the target is the server itself");
    }
    reach(r, "198.51.100.1", (uint16_t)(8388 + 2 * SS_REDIR_KNOWN));
    refused(r, "the target is the server itself");
    reach(r, "198.51.100.1", 8388);
    assert_int_equal(ss_redir_packet_front.asked(&r->p), 0);
}

static void an_answer_comes_from_its_source(void **state)
{
    struct rig *r = *state;
    struct ssp__address from;
    uint8_t address[] = "\x01\xc0\0\x02\x07\0\x35hello", name[] = "\x03\x01x\0\x35hello";
    assert_int_equal(ssp__address_parse(&from, "192.0.2.1", 8388), 0);
    r->p = (struct ssp__packet_io){.bytes = address, .len = sizeof address - 1, .from = &from};
    assert_int_equal(ss_redir_packet_front.answered(&r->p), 0);
    assert_ptr_equal(r->p.bytes, address + 7);
    assert_int_equal(r->p.len, 5);
    assert_int_equal(ssp__address_port(&r->p.source), 53);
    r->p = (struct ssp__packet_io){.bytes = name, .len = sizeof name - 1, .from = &from};
    assert_int_equal(ss_redir_packet_front.answered(&r->p), -1);
    r->p = (struct ssp__packet_io){.bytes = name, .len = 5, .from = &from, .bare = true};
    assert_int_equal(ss_redir_packet_front.answered(&r->p), 0);
    assert_true(ssp__address_same(&r->p.source, &from));
    assert_int_equal(r->p.len, 5);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_target_is_where_the_client_sent_it),
        TEST(loops_are_refused),
        TEST(the_last_addresses_of_a_name_are_known),
        TEST(an_answer_comes_from_its_source),
    };
    return cmocka_run_group_tests_name("proto: ss-redir", tests, NULL, NULL);
}
