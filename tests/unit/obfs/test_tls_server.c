/* SPDX-License-Identifier: Apache-2.0 */
#include "captures.h"
#include "end.h"

#include <stdlib.h>
#include <string.h>

enum { TICKET = 6, HOST = 12, HELLO_MAX = 65540, RECORD_MAX = 16384 };

static const struct obfs_conf any = {.mode = OBFS_TLS};

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static ssp_verdict hear(const void *bytes, size_t n)
{
    struct end server;
    end_open(&server, &obfs_server, any, 1);
    ssp_verdict verdict = end_feed(&server, SSP_UNWRAP, bytes, n);
    if (verdict == SSP_FOREIGN)
        end_says(&server, SSP_UNWRAP, "", 0);
    end_close(&server);
    return verdict;
}

/* A server that has understood the stock hello; what it said is forgotten. */
static void open_greeted(struct end *server)
{
    end_open(server, &obfs_server, any, 1);
    (void)end_feed(server, SSP_UNWRAP, stock_tls_hello.bytes, stock_tls_hello.len);
    end_says(server, SSP_UNWRAP, "HELLO0", 6);
    end_forget(server, SSP_UNWRAP);
}

static void the_stock_hello_is_understood_whatever_the_cut(void **state)
{
    (void)state;
    uint8_t wire[512];
    size_t first = stock_tls_hello.len, second = stock_tls_client_record.len;
    memcpy(wire, stock_tls_hello.bytes, first);
    memcpy(wire + first, stock_tls_client_record.bytes, second);
    end_unwraps_every_split(&obfs_server, any, wire, first, "HELLO0");
    end_unwraps_every_split(&obfs_server, any, wire, first + second, "HELLO0second flight");
}

static void a_host_is_not_asked_for_in_tls_mode(void **state)
{
    (void)state;
    end_unwraps_every_split(&obfs_server, (struct obfs_conf){.mode = OBFS_TLS, .host = "other"},
                            stock_tls_hello.bytes, stock_tls_hello.len, "HELLO0");
}

/* The stock hello with a ticket of n bytes 't'. */
static size_t build_hello(uint8_t *hello, size_t n)
{
    const uint8_t *stock = stock_tls_hello.bytes;
    size_t tail = stock_tls_hello.len - 142 - TICKET;
    memcpy(hello, stock, 142);
    put16(hello + 3, 212 + n + HOST);
    put16(hello + 7, 208 + n + HOST);
    put16(hello + 136, 79 + n + HOST);
    put16(hello + 140, n);
    memset(hello + 142, 't', n);
    memcpy(hello + 142 + n, stock + 142 + TICKET, tail);
    return 142 + n + tail;
}

static void check_ticket(size_t n)
{
    struct end server;
    uint8_t *hello = malloc(HELLO_MAX);
    assert_non_null(hello);
    size_t len = build_hello(hello, n);
    end_open(&server, &obfs_server, any, 1);
    assert_int_equal(end_feed(&server, SSP_UNWRAP, hello, len - 1), SSP_MORE);
    end_says(&server, SSP_UNWRAP, "", 0);
    assert_int_equal(end_feed(&server, SSP_UNWRAP, hello + len - 1, 1), SSP_MORE);
    end_says(&server, SSP_UNWRAP, hello + 142, n);
    end_close(&server);
    free(hello);
}

static void a_ticket_may_be_empty_and_may_fill_the_record(void **state)
{
    (void)state;
    static const size_t tickets[] = {0, 1, 2048, 16384, 65535 - 212 - HOST};
    for (size_t i = 0; i < sizeof tickets / sizeof *tickets; i++)
        check_ticket(tickets[i]);
}

static ssp_verdict hear_with_length(size_t at, size_t width, size_t value)
{
    uint8_t hello[512];
    memcpy(hello, stock_tls_hello.bytes, stock_tls_hello.len);
    if (width == 2)
        put16(hello + at, value);
    else
        hello[at] = (uint8_t)value;
    return hear(hello, stock_tls_hello.len);
}

static void a_wrong_length_anywhere_in_the_hello_is_foreign(void **state)
{
    (void)state;
    static const struct {
        size_t at, width;
    } lengths[] = {
        {3, 2},                   /* record */
        {6, 1},                   /* handshake message, high byte */
        {7, 2},                   /* handshake message */
        {43, 1},                  /* session id */
        {76, 2},                  /* cipher suites */
        {134, 1},                 /* compression methods */
        {136, 2},                 /* extensions */
        {140, 2},                 /* ticket */
        {144 + TICKET, 2},        /* server_name */
        {146 + TICKET, 2},        /* its list */
        {149 + TICKET, 2},        /* its name */
        {161 + TICKET + HOST, 2}, /* groups; before it, 0 happens to be another valid reading */
        {175 + TICKET + HOST, 2}, /* signature_algorithms */
        {211 + TICKET + HOST, 2}, /* encrypt_then_mac */
        {215 + TICKET + HOST, 2}, /* extended_master_secret */
    };
    static const size_t values[] = {0, 1, 0x7fff, 0x8000, 0xffff};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const uint8_t *field = stock_tls_hello.bytes + lengths[i].at;
        size_t right = lengths[i].width == 2 ? (size_t)field[0] << 8 | field[1] : field[0];
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            size_t wrong = lengths[i].width == 2 ? values[v] : values[v] & 0xff;
            if (wrong == right)
                continue;
            ssp_verdict verdict = hear_with_length(lengths[i].at, lengths[i].width, wrong);
            assert_int_equal(verdict, SSP_FOREIGN);
        }
        assert_int_equal(hear_with_length(lengths[i].at, lengths[i].width, right), SSP_MORE);
    }
}

/* Byte by byte: undecided until the byte that proves it, and nothing is consumed. */
static void foreign_at(const void *bytes, size_t proof)
{
    const uint8_t *stranger = bytes;
    struct end server;
    end_open(&server, &obfs_server, any, 1);
    for (size_t at = 0; at < proof; at++)
        assert_int_equal(end_feed(&server, SSP_UNWRAP, stranger + at, 1), SSP_MORE);
    assert_int_equal(end_feed(&server, SSP_UNWRAP, stranger + proof, 1), SSP_FOREIGN);
    end_says(&server, SSP_UNWRAP, "", 0);
    end_close(&server);
}

static void a_stranger_is_known_at_the_byte_that_proves_it(void **state)
{
    (void)state;
    foreign_at("SSH-2.0-OpenSSH_9.2\r\n", 0);
    foreign_at("GET / HTTP/1.1\r\n\r\n", 0);
    foreign_at("\x16\x03\x03", 2);
    foreign_at("\x16\x03\x01\x00\x88", 4);
    foreign_at("\x16\x03\x01\x01\x00\x02", 5);
    foreign_at("\x16\x03\x01\x01\x00\x01\x00\x00\xfd", 8);
}

/* Its list of cipher suites is longer than ours. */
static void a_real_client_hello_is_foreign(void **state)
{
    (void)state;
    foreign_at(openssl_hello.bytes, 77);
    assert_int_equal(hear(openssl_hello.bytes, openssl_hello.len), SSP_FOREIGN);
}

static void a_hello_with_another_first_extension_is_foreign(void **state)
{
    (void)state;
    uint8_t hello[512];
    memcpy(hello, stock_tls_hello.bytes, stock_tls_hello.len);
    hello[139] = 0;
    foreign_at(hello, 139);
}

static void random_bytes_are_foreign(void **state)
{
    (void)state;
    uint32_t dice = 1;
    for (int round = 0; round < 1000; round++) {
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) {
            dice = dice * 1664525u + 1013904223u;
            bytes[i] = (uint8_t)(dice >> 24);
        }
        assert_int_equal(hear(bytes, sizeof bytes), SSP_FOREIGN);
    }
}

static void a_stranger_who_gives_up_half_way_is_foreign(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < stock_tls_hello.len; cut++) {
        struct end server;
        end_open(&server, &obfs_server, any, 1);
        ssp_verdict verdict = end_finish(&server, SSP_UNWRAP, stock_tls_hello.bytes, cut);
        assert_int_equal(verdict, SSP_FOREIGN);
        end_close(&server);
    }
}

static ssp_verdict hear_record(const char *type, size_t claimed)
{
    struct end server;
    uint8_t *record = calloc(1, 5 + 65535);
    assert_non_null(record);
    memcpy(record, type, 3);
    put16(record + 3, claimed);
    open_greeted(&server);
    ssp_verdict verdict = end_feed(&server, SSP_UNWRAP, record, 5 + claimed);
    end_says(&server, SSP_UNWRAP, record + 5, verdict == SSP_FAIL ? 0 : claimed);
    end_close(&server);
    free(record);
    return verdict;
}

static void records_have_0_to_16384_bytes(void **state)
{
    (void)state;
    assert_int_equal(hear_record("\x17\x03\x03", 0), SSP_MORE);
    assert_int_equal(hear_record("\x17\x03\x03", 1), SSP_MORE);
    assert_int_equal(hear_record("\x17\x03\x03", RECORD_MAX), SSP_MORE);
    assert_int_equal(hear_record("\x17\x03\x03", RECORD_MAX + 1), SSP_FAIL);
    assert_int_equal(hear_record("\x17\x03\x03", 0x8000), SSP_FAIL);
    assert_int_equal(hear_record("\x17\x03\x03", 0xffff), SSP_FAIL);
}

static void what_is_no_application_record_is_not_forwarded(void **state)
{
    (void)state;
    assert_int_equal(hear_record("\x16\x03\x03", 7), SSP_FAIL);
    assert_int_equal(hear_record("\x17\x02\x03", 7), SSP_FAIL);
    assert_int_equal(hear_record("\x17\x03\x01", 7), SSP_FAIL);
}

static void a_record_is_forwarded_as_it_arrives(void **state)
{
    (void)state;
    struct end server;
    open_greeted(&server);
    (void)end_feed(&server, SSP_UNWRAP,
                   "\x17\x03\x03\x00\x05"
                   "ab",
                   7);
    end_says(&server, SSP_UNWRAP, "ab", 2);
    assert_int_equal(end_finish(&server, SSP_UNWRAP, "cd", 2), SSP_FAIL);
    end_says(&server, SSP_UNWRAP, "abcd", 4);
    end_close(&server);
}

static void the_answer_is_the_stock_one_but_for_time_and_random(void **state)
{
    (void)state;
    struct end server;
    size_t len;
    open_greeted(&server);
    (void)end_feed(&server, SSP_WRAP, "WORLD0", 6);
    const uint8_t *ours = ssp_drive_output(server.drive, SSP_WRAP, &len);
    assert_int_equal(len, stock_tls_answer.len);
    assert_memory_equal(ours, stock_tls_answer.bytes, 11);
    assert_memory_equal(ours + 11, "\x2e\xbc\x98\xa1", 4);
    assert_memory_equal(ours + 43, stock_tls_answer.bytes + 43, len - 43);

    end_forget(&server, SSP_WRAP);
    (void)end_feed(&server, SSP_WRAP, "second reply", 12);
    end_says(&server, SSP_WRAP, stock_tls_server_record.bytes, stock_tls_server_record.len);
    end_close(&server);
}

static void the_answer_carries_up_to_16384_bytes_and_records_the_rest(void **state)
{
    (void)state;
    struct end server;
    size_t len, n = 2 * RECORD_MAX + 1;
    uint8_t *reply = calloc(1, n);
    assert_non_null(reply);
    open_greeted(&server);
    (void)end_feed(&server, SSP_WRAP, reply, n);
    const uint8_t *said = ssp_drive_output(server.drive, SSP_WRAP, &len);
    assert_int_equal(len, 107 + RECORD_MAX + 5 + RECORD_MAX + 5 + 1);
    assert_memory_equal(said + 102, "\x16\x03\x03\x40\x00", 5);
    assert_memory_equal(said + 107 + RECORD_MAX, "\x17\x03\x03\x40\x00", 5);
    assert_memory_equal(said + len - 6, "\x17\x03\x03\x00\x01", 5);
    end_close(&server);
    free(reply);
}

/* Stock clients refuse a head that comes without payload. */
static void the_answer_waits_for_the_first_reply(void **state)
{
    (void)state;
    struct end server;
    open_greeted(&server);
    assert_int_equal(end_feed(&server, SSP_WRAP, "", 0), SSP_MORE);
    end_says(&server, SSP_WRAP, "", 0);
    assert_int_equal(end_finish(&server, SSP_WRAP, "", 0), SSP_END);
    end_says(&server, SSP_WRAP, "", 0);
    end_close(&server);
}

static void two_servers_draw_different_random_bytes(void **state)
{
    (void)state;
    struct end one, other;
    size_t len;
    open_greeted(&one);
    open_greeted(&other);
    other.dice = 2;
    (void)end_feed(&one, SSP_WRAP, "x", 1);
    (void)end_feed(&other, SSP_WRAP, "x", 1);
    const uint8_t *a = ssp_drive_output(one.drive, SSP_WRAP, &len);
    const uint8_t *b = ssp_drive_output(other.drive, SSP_WRAP, &len);
    assert_memory_not_equal(a + 15, b + 15, 28);
    assert_memory_equal(a + 43, b + 43, len - 43);
    end_close(&one);
    end_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stock_hello_is_understood_whatever_the_cut),
        cmocka_unit_test(a_host_is_not_asked_for_in_tls_mode),
        cmocka_unit_test(a_ticket_may_be_empty_and_may_fill_the_record),
        cmocka_unit_test(a_wrong_length_anywhere_in_the_hello_is_foreign),
        cmocka_unit_test(a_stranger_is_known_at_the_byte_that_proves_it),
        cmocka_unit_test(a_real_client_hello_is_foreign),
        cmocka_unit_test(a_hello_with_another_first_extension_is_foreign),
        cmocka_unit_test(random_bytes_are_foreign),
        cmocka_unit_test(a_stranger_who_gives_up_half_way_is_foreign),
        cmocka_unit_test(records_have_0_to_16384_bytes),
        cmocka_unit_test(what_is_no_application_record_is_not_forwarded),
        cmocka_unit_test(a_record_is_forwarded_as_it_arrives),
        cmocka_unit_test(the_answer_is_the_stock_one_but_for_time_and_random),
        cmocka_unit_test(the_answer_carries_up_to_16384_bytes_and_records_the_rest),
        cmocka_unit_test(the_answer_waits_for_the_first_reply),
        cmocka_unit_test(two_servers_draw_different_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
