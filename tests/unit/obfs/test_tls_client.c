/* SPDX-License-Identifier: Apache-2.0 */
#include "captures.h"
#include "end.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD_HEAD = 5, RECORD_MAX = 16384 };

static const struct obfs_conf bing = {.mode = OBFS_TLS, .host = "www.bing.com"};

static size_t get16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static void the_hello_is_the_stock_one_but_for_time_random_and_session(void **state)
{
    (void)state;
    struct end client;
    size_t len;
    end_open(&client, &obfs_local, bing, 1);
    assert_int_equal(end_feed(&client, SSP_WRAP, "HELLO0", 6), SSP_MORE);
    const uint8_t *ours = ssp_drive_output(client.drive, SSP_WRAP, &len);
    const uint8_t *stock = stock_tls_hello.bytes;
    assert_int_equal(len, stock_tls_hello.len);
    assert_memory_equal(ours, stock, 11);
    assert_memory_equal(ours + 11, "\x2e\xbc\x98\xa1", 4);
    assert_int_equal(ours[43], stock[43]);
    assert_memory_equal(ours + 76, stock + 76, len - 76);
    end_close(&client);
}

static void later_chunks_are_stock_records(void **state)
{
    (void)state;
    struct end client;
    end_open(&client, &obfs_local, bing, 1);
    (void)end_feed(&client, SSP_WRAP, "HELLO0", 6);
    end_forget(&client, SSP_WRAP);
    (void)end_feed(&client, SSP_WRAP, "second flight", 13);
    end_says(&client, SSP_WRAP, stock_tls_client_record.bytes, stock_tls_client_record.len);
    end_close(&client);
}

static void nothing_is_sent_before_there_is_payload(void **state)
{
    (void)state;
    struct end client;
    end_open(&client, &obfs_local, bing, 1);
    assert_int_equal(end_feed(&client, SSP_WRAP, "", 0), SSP_MORE);
    assert_int_equal(end_finish(&client, SSP_WRAP, "", 0), SSP_END);
    end_says(&client, SSP_WRAP, "", 0);
    end_close(&client);
}

/* Every length of the hello, computed from the layout and not by the code under test. */
static size_t check_hello(const uint8_t *hello, size_t host)
{
    size_t ticket = get16(hello + 140);
    const uint8_t *name = hello + 142 + ticket;
    assert_int_equal(get16(hello + 3), 212 + ticket + host);
    assert_int_equal(get16(hello + 7), 208 + ticket + host);
    assert_int_equal(get16(hello + 136), 79 + ticket + host);
    assert_int_equal(get16(name + 2), host + 5);
    assert_int_equal(get16(name + 4), host + 3);
    assert_int_equal(get16(name + 7), host);
    return ticket;
}

static void hello_of(size_t host_len, size_t payload_len)
{
    struct end client;
    char host[OBFS_HOST_MAX + 1];
    uint8_t *payload = calloc(1, payload_len);
    assert_non_null(payload);
    memset(payload, 'p', payload_len);
    memset(host, 'h', host_len);
    host[host_len] = '\0';
    end_open(&client, &obfs_local, (struct obfs_conf){.mode = OBFS_TLS, .host = host}, 1);
    (void)end_feed(&client, SSP_WRAP, payload, payload_len);

    size_t len;
    const uint8_t *at = ssp_drive_output(client.drive, SSP_WRAP, &len), *end = at + len;
    size_t carried = check_hello(at, host_len);
    assert_true(217 + carried + host_len <= 1200);
    at += 217 + carried + host_len;
    while (at < end) {
        size_t n = get16(at + 3);
        assert_memory_equal(at, "\x17\x03\x03", 3);
        assert_true(n > 0 && n <= RECORD_MAX && n <= (size_t)(end - at) - RECORD_HEAD);
        assert_int_equal(at[RECORD_HEAD], 'p');
        assert_int_equal(at[RECORD_HEAD + n - 1], 'p');
        carried += n;
        at += RECORD_HEAD + n;
    }
    assert_int_equal(carried, payload_len);
    end_close(&client);
    free(payload);
}

/* Stock servers break on a hello that is cut near its end. */
static void the_hello_fits_one_segment_and_the_rest_follows_as_records(void **state)
{
    (void)state;
    static const size_t hosts[] = {1, 14, OBFS_HOST_MAX};
    static const size_t payloads[] = {1, 728, 729, 969, 970, 1500, 17353, 17354, 100000, 300000};
    for (size_t h = 0; h < sizeof hosts / sizeof *hosts; h++) {
        for (size_t p = 0; p < sizeof payloads / sizeof *payloads; p++)
            hello_of(hosts[h], payloads[p]);
    }
}

static void two_connections_differ_in_random_and_session(void **state)
{
    (void)state;
    struct end one, other;
    size_t len;
    end_open(&one, &obfs_local, bing, 1);
    end_open(&other, &obfs_local, bing, 2);
    (void)end_feed(&one, SSP_WRAP, "x", 1);
    (void)end_feed(&other, SSP_WRAP, "x", 1);
    const uint8_t *a = ssp_drive_output(one.drive, SSP_WRAP, &len);
    const uint8_t *b = ssp_drive_output(other.drive, SSP_WRAP, &len);
    assert_memory_not_equal(a + 15, b + 15, 28);
    assert_memory_not_equal(a + 44, b + 44, 32);
    assert_memory_not_equal(a + 15, a + 44, 28);
    end_close(&one);
    end_close(&other);
}

/* The stock client wants head and payload in one read. */
static void the_stock_answer_is_understood_whatever_the_cut(void **state)
{
    (void)state;
    uint8_t wire[512];
    size_t first = stock_tls_answer.len, second = stock_tls_server_record.len;
    memcpy(wire, stock_tls_answer.bytes, first);
    memcpy(wire + first, stock_tls_server_record.bytes, second);
    end_unwraps_every_split(&obfs_local, bing, wire, first, "WORLD0");
    end_unwraps_every_split(&obfs_local, bing, wire, first + second, "WORLD0second reply");
}

static void an_answer_that_is_cut_fails(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < stock_tls_answer.len; cut++) {
        struct end client;
        end_open(&client, &obfs_local, bing, 1);
        assert_int_equal(end_finish(&client, SSP_UNWRAP, stock_tls_answer.bytes, cut), SSP_FAIL);
        end_close(&client);
    }
}

/* Found by fuzz_obfs_tls: also when the codec was called before there was anything to read. */
static void an_answer_that_is_no_handshake_fails_at_its_first_byte(void **state)
{
    (void)state;
    struct end client;
    end_open(&client, &obfs_local, bing, 1);
    assert_int_equal(end_feed(&client, SSP_UNWRAP, "", 0), SSP_MORE);
    assert_int_equal(end_feed(&client, SSP_UNWRAP, "\x15", 1), SSP_FAIL);
    end_close(&client);
}

static ssp_verdict hear_changed(size_t at, uint8_t value)
{
    struct end client;
    uint8_t answer[512];
    memcpy(answer, stock_tls_answer.bytes, stock_tls_answer.len);
    answer[at] = value;
    end_open(&client, &obfs_local, bing, 1);
    ssp_verdict verdict = end_feed(&client, SSP_UNWRAP, answer, stock_tls_answer.len);
    if (verdict == SSP_FAIL)
        end_says(&client, SSP_UNWRAP, "", 0);
    end_close(&client);
    return verdict;
}

static void an_answer_without_its_last_record_head_fails(void **state)
{
    (void)state;
    assert_int_equal(hear_changed(102, 0x17), SSP_FAIL);
    assert_int_equal(hear_changed(103, 0x02), SSP_FAIL);
    assert_int_equal(hear_changed(104, 0x01), SSP_FAIL);
    assert_int_equal(hear_changed(105, 0x40), SSP_FAIL);
    assert_int_equal(hear_changed(105, 0x80), SSP_FAIL);
    assert_int_equal(hear_changed(105, 0xff), SSP_FAIL);
}

/* No peer looks at the contents; only the layout is certain. */
static void the_contents_of_the_server_hello_do_not_matter(void **state)
{
    (void)state;
    for (size_t at = 1; at < 102; at++)
        assert_int_equal(hear_changed(at, 0xa5), SSP_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hello_is_the_stock_one_but_for_time_random_and_session),
        cmocka_unit_test(later_chunks_are_stock_records),
        cmocka_unit_test(nothing_is_sent_before_there_is_payload),
        cmocka_unit_test(the_hello_fits_one_segment_and_the_rest_follows_as_records),
        cmocka_unit_test(two_connections_differ_in_random_and_session),
        cmocka_unit_test(the_stock_answer_is_understood_whatever_the_cut),
        cmocka_unit_test(an_answer_that_is_cut_fails),
        cmocka_unit_test(an_answer_that_is_no_handshake_fails_at_its_first_byte),
        cmocka_unit_test(an_answer_without_its_last_record_head_fails),
        cmocka_unit_test(the_contents_of_the_server_hello_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
