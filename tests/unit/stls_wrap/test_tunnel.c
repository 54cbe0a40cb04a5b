/* SPDX-License-Identifier: Apache-2.0 */
/* A client, a server, and the web site between them. */
#include "trio.h"

#include <stdlib.h>
#include <string.h>

static int set_up(void **state)
{
    struct trio_confs *confs = calloc(1, sizeof *confs);
    if (confs == NULL)
        return -1;
    trio_confs_open(confs);
    *state = confs;
    return 0;
}

static int tear_down(void **state)
{
    trio_confs_close(*state);
    free(*state);
    return 0;
}

static void both_ends_meet_behind_the_site_in_any_pieces(void **state)
{
    static const size_t pieces[] = {0, 1, 2, 5, 44, 76, 300, 1000};
    static uint8_t much[100000];
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (uint8_t)(i * 7 >> 3);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct trio t;
        const struct trio_confs *confs = *state;
        trio_open(&t, confs, confs->client);
        (void)ssp_drive_feed(t.client, SSP_WRAP, "early", 5, false);
        trio_carry(&t, pieces[i]);
        trio_server_has(&t, "early", 5);
        trio_server_says(&t, "answer", 6, false);
        trio_client_has(&t, "answer", 6);
        trio_client_says(&t, much, sizeof much, true);
        trio_server_has(&t, much, sizeof much);
        trio_server_says(&t, much, sizeof much, true);
        trio_client_has(&t, much, sizeof much);
        trio_close(&t);
    }
}

/* Records are as long as those of TLS, and each has its own tag. */
static void data_look_like_records(void **state)
{
    const struct trio_confs *confs = *state;
    struct trio t;
    size_t n;
    trio_open(&t, confs, confs->client);
    trio_carry(&t, 0);
    (void)ssp_drive_feed(t.client, SSP_WRAP, "xxxx", 4, false);
    (void)ssp_drive_feed(t.client, SSP_WRAP, "xxxx", 4, false);
    const uint8_t *wire = ssp_drive_output(t.client, SSP_WRAP, &n);
    static const uint8_t header[] = {0x17, 3, 3, 0, 8};
    assert_int_equal(n, 26);
    assert_memory_equal(wire, header, sizeof header);
    assert_memory_equal(wire + 13, header, sizeof header);
    assert_memory_not_equal(wire + 5, wire + 18, 4);
    trio_carry(&t, 0);
    trio_server_has(&t, "xxxxxxxx", 8);
    trio_close(&t);
}

static void a_client_with_another_password_stays_with_the_site(void **state)
{
    const struct trio_confs *confs = *state;
    struct trio t;
    trio_open(&t, confs, confs->stranger);
    trio_client_says(&t, "secret words", 12, false);
    assert_true(ssp_drive_diverted(t.server));
    assert_int_equal(t.server_verdict, SSP_CLEAR);
    assert_string_equal(ssp_drive_why(t.client),
                        "shadow-tls: the server does not know us: check passwd= at both ends, and "
                        "that nobody intercepts the connection");
    size_t n;
    const uint8_t *got = ssp_drive_output(t.site, SSP_UNWRAP, &n);
    assert_in_range(n, 16, 512);
    assert_memory_equal(got, "GET / HTTP/1.1\r\n", 16);
    ssp_drive_advance(t.client, 10000);
    assert_int_equal(ssp_drive_feed(t.client, SSP_UNWRAP, "", 0, false), SSP_FAIL);
    trio_close(&t);
}

/* A server passes on to the site all of the bytes that it does not know as ours. */
static void expect_passed(const struct trio_confs *confs, const uint8_t *bytes, size_t n,
                          size_t cut)
{
    size_t len;
    ssp_drive *d = ssp_drive_new(&stls_wrap, SSP_SERVER, ssp_conf_values(confs->server), NULL);
    (void)ssp_drive_feed(d, SSP_UNWRAP, bytes, cut, false);
    (void)ssp_drive_output(d, SSP_UNWRAP, &len);
    assert_int_equal(len, cut); /* at once, nothing is held back */
    ssp_verdict verdict = ssp_drive_feed(d, SSP_UNWRAP, bytes + cut, n - cut, false);
    const uint8_t *out = ssp_drive_output(d, SSP_UNWRAP, &len);
    assert_int_equal(len, n);
    assert_memory_equal(out, bytes, n);
    assert_true(ssp_drive_diverted(d));
    assert_int_equal(verdict, SSP_CLEAR);
    assert_null(ssp_drive_broken_rule(d));
    ssp_drive_free(d);
}

static void every_changed_byte_of_a_hello_is_the_sites(void **state)
{
    const struct trio_confs *confs = *state;
    struct trio t;
    trio_open(&t, confs, confs->client);
    uint8_t hello[TRIO_HELLO_MAX + 1];
    memcpy(hello, t.hello, t.hello_len);
    hello[t.hello_len] = 'x';
    for (size_t i = 5; i < t.hello_len; i++) {
        hello[i] ^= 0x20;
        expect_passed(confs, hello, t.hello_len + 1, i);
        hello[i] ^= 0x20;
    }
    trio_close(&t);
}

static void a_hello_that_is_replayed_is_the_sites(void **state)
{
    const struct trio_confs *confs = *state;
    struct trio t;
    trio_open(&t, confs, confs->client);
    trio_carry(&t, 0);
    for (size_t cut = 0; cut < t.hello_len; cut += 11)
        expect_passed(confs, t.hello, t.hello_len, cut);
    trio_close(&t);
}

/* A site that does not answer with a ServerHello, or in no records: all is passed, also what
 * waited. */
static void an_answer_that_is_none_is_passed(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 400 Bad Request\r\n",
                                          "\x15\x03\x03\0\x02\x02\x28",
                                          "\x16\x03\x03\0\x04\x0e\0\0\0"};
    static const size_t lengths[] = {26, 7, 9};
    const struct trio_confs *confs = *state;
    for (size_t i = 0; i < 3; i++) {
        struct trio t;
        size_t n;
        trio_open(&t, confs, confs->client);
        (void)ssp_drive_feed(t.server, SSP_UNWRAP, t.hello, t.hello_len, false);
        assert_int_equal(ssp_drive_feed(t.server, SSP_UNWRAP, "more", 4, false), SSP_MORE);
        (void)ssp_drive_output(t.server, SSP_UNWRAP, &n);
        assert_int_equal(n, t.hello_len);
        assert_int_equal(ssp_drive_feed(t.server, SSP_WRAP, answers[i], lengths[i], false),
                         SSP_CLEAR);
        assert_memory_equal(ssp_drive_output(t.server, SSP_WRAP, &n), answers[i], lengths[i]);
        assert_int_equal(ssp_drive_feed(t.server, SSP_UNWRAP, "", 0, true), SSP_END);
        (void)ssp_drive_output(t.server, SSP_UNWRAP, &n);
        assert_int_equal(n, t.hello_len + 4);
        trio_close(&t);
    }
}

static void a_site_that_ends_without_an_answer_lets_all_pass(void **state)
{
    const struct trio_confs *confs = *state;
    struct trio t;
    size_t n;
    trio_open(&t, confs, confs->client);
    (void)ssp_drive_feed(t.server, SSP_UNWRAP, t.hello, t.hello_len, false);
    assert_int_equal(ssp_drive_feed(t.server, SSP_UNWRAP, "more", 4, false), SSP_MORE);
    assert_int_equal(ssp_drive_feed(t.server, SSP_WRAP, "", 0, true), SSP_END);
    assert_int_equal(ssp_drive_feed(t.server, SSP_UNWRAP, "", 0, true), SSP_END);
    (void)ssp_drive_output(t.server, SSP_UNWRAP, &n);
    assert_int_equal(n, t.hello_len + 4);
    trio_close(&t);
}

/* Records that a client of ours would not send, behind its first. */
static void data_that_are_not_ours_cut_the_stream(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        ssp_verdict verdict;
    } cases[] = {
        {"\x17\x03\x03\0\x05\0\0\0\0x", 10, SSP_FAIL}, /* a wrong tag */
        {"\x17\x03\x03\0\x03\0\0\0", 8, SSP_FAIL},     /* no room for one */
        {"\x16\x03\x03\0\x01x", 6, SSP_FAIL},          /* another kind */
        {"\x17\x03\x01\0\x05\0\0\0\0x", 10, SSP_FAIL}, /* another version */
        {"\x15\x03\x03\0\x02\x01\0", 7, SSP_END},      /* an alert */
        {"\x17\x03\x03\0\x05", 5, SSP_MORE},
    };
    const struct trio_confs *confs = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trio t;
        size_t n;
        trio_open(&t, confs, confs->client);
        (void)ssp_drive_feed(t.client, SSP_WRAP, "first", 5, false);
        trio_carry(&t, 0);
        trio_server_has(&t, "first", 5);
        assert_int_equal(ssp_drive_feed(t.server, SSP_UNWRAP, cases[i].bytes, cases[i].n, false),
                         cases[i].verdict);
        if (cases[i].verdict == SSP_MORE)
            assert_int_equal(ssp_drive_feed(t.server, SSP_UNWRAP, "", 0, true), SSP_FAIL);
        (void)ssp_drive_output(t.server, SSP_UNWRAP, &n);
        assert_int_equal(n, 0);
        trio_close(&t);
    }
}

/* Tags go on from those before: what was right once is wrong the second time. */
static void a_record_that_comes_twice_cuts_the_stream(void **state)
{
    const struct trio_confs *confs = *state;
    struct trio t;
    uint8_t record[64];
    size_t n;
    trio_open(&t, confs, confs->client);
    trio_carry(&t, 0);
    (void)ssp_drive_feed(t.client, SSP_WRAP, "once", 4, false);
    const uint8_t *wire = ssp_drive_output(t.client, SSP_WRAP, &n);
    assert_in_range(n, 13, sizeof record);
    memcpy(record, wire, n);
    trio_carry(&t, 0);
    trio_server_has(&t, "once", 4);
    assert_int_equal(ssp_drive_feed(t.server, SSP_UNWRAP, record, n, false), SSP_FAIL);
    trio_close(&t);
}

/* Each connection has a session id of its own, though its ClientHello is made twice. */
static void no_two_hellos_are_alike(void **state)
{
    const struct trio_confs *confs = *state;
    struct trio a, b;
    trio_open(&a, confs, confs->client);
    trio_open(&b, confs, confs->client);
    assert_int_equal(a.hello_len, b.hello_len);
    assert_memory_not_equal(a.hello + 11, b.hello + 11, 32);
    assert_memory_not_equal(a.hello + 44, b.hello + 44, 28);
    assert_memory_not_equal(a.hello + a.hello_len - 32, b.hello + b.hello_len - 32, 32);
    trio_close(&a);
    trio_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_meet_behind_the_site_in_any_pieces),
        cmocka_unit_test(data_look_like_records),
        cmocka_unit_test(a_client_with_another_password_stays_with_the_site),
        cmocka_unit_test(every_changed_byte_of_a_hello_is_the_sites),
        cmocka_unit_test(a_hello_that_is_replayed_is_the_sites),
        cmocka_unit_test(an_answer_that_is_none_is_passed),
        cmocka_unit_test(a_site_that_ends_without_an_answer_lets_all_pass),
        cmocka_unit_test(data_that_are_not_ours_cut_the_stream),
        cmocka_unit_test(a_record_that_comes_twice_cuts_the_stream),
        cmocka_unit_test(no_two_hellos_are_alike),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
