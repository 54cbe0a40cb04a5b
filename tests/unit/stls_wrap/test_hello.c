/* SPDX-License-Identifier: Apache-2.0 */
/* Tags and keys against values of another implementation of HMAC, and hellos in any pieces. */
#include "stls-wrap/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD_LEN = 100 };

static const uint8_t sent[] = "again";

/* 16 03 01, a ClientHello of 95 bytes: random 00 to 1f, session id 64 to 7f and the tag. */
static void make_record(uint8_t record[RECORD_LEN])
{
    static const uint8_t head[] = {0x16, 3, 1, 0, 95, 1, 0, 0, 90, 3, 3};
    static const uint8_t tag[] = {0x80, 0xc5, 0x8f, 0xfa}, rest[] = {0, 2, 0x13, 1, 1, 0, 0, 0};
    uint8_t *at = record;
    memcpy(at, head, sizeof head);
    at += sizeof head;
    for (uint8_t i = 0; i < 32; i++)
        *at++ = i;
    *at++ = 32;
    for (uint8_t i = 0; i < 28; i++)
        *at++ = (uint8_t)(100 + i);
    memcpy(at, tag, sizeof tag);
    memcpy(at + sizeof tag, rest, sizeof rest);
    at += sizeof tag + sizeof rest;
    for (uint8_t i = 0; i < 16; i++)
        *at++ = (uint8_t)(200 + i);
}

/* The verdict on it when it comes in pieces of this size, and how many bytes were its own. */
static enum stls_sign sign_of(const uint8_t *bytes, size_t n, size_t piece, size_t *own)
{
    EVP_MAC_CTX *key = stls_tag_key("secret");
    struct stls_hello hello = {.seen = 0};
    enum stls_sign sign = STLS_UNDECIDED;
    *own = 0;
    while (sign == STLS_UNDECIDED && *own < n) {
        size_t part = n - *own < piece ? n - *own : piece;
        sign = stls_hello_feed(&hello, key, bytes + *own, &part);
        *own += sign == STLS_FOREIGN ? 0 : part;
    }
    stls_hello_release(&hello);
    stls_tag_free(key);
    return sign;
}

static void a_hello_of_ours_is_known_in_any_pieces(void **state)
{
    uint8_t record[RECORD_LEN + 9] = {0};
    size_t own;
    (void)state;
    make_record(record);
    for (size_t piece = 1; piece <= sizeof record; piece++) {
        assert_int_equal(sign_of(record, sizeof record, piece, &own), STLS_OURS);
        assert_int_equal(own, RECORD_LEN);
    }
    assert_int_equal(sign_of(record, RECORD_LEN - 1, 7, &own), STLS_UNDECIDED);
}

static void another_one_is_foreign_as_soon_as_it_is_seen(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        size_t seen; /* the last byte that is needed to tell */
    } cases[] = {{0, 0x17, 0}, {3, 0x50, 4}, {4, 70, 4},  {5, 2, 5},
                 {43, 31, 43}, {44, 1, 99},  {75, 1, 99}, {99, 1, 99}};
    uint8_t record[RECORD_LEN];
    size_t own;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_record(record);
        record[cases[i].at] = cases[i].value;
        assert_int_equal(sign_of(record, RECORD_LEN, 1, &own), STLS_FOREIGN);
        assert_int_equal(own, cases[i].seen);
    }
}

static void a_hello_is_signed_as_it_is_known(void **state)
{
    uint8_t record[RECORD_LEN], signed_[RECORD_LEN];
    EVP_MAC_CTX *key = stls_tag_key("secret");
    (void)state;
    make_record(record);
    memcpy(signed_, record, sizeof record);
    memset(signed_ + STLS_TAG_AT, 0xaa, STLS_TAG_LEN);
    assert_true(stls_hello_sign(signed_, sizeof signed_, key));
    assert_memory_equal(signed_, record, sizeof record);
    assert_false(stls_hello_sign(signed_, sizeof signed_ - 1, key));
    assert_false(stls_hello_sign(signed_, 50, key));
    stls_tag_free(key);
}

/* ---- ServerHello ---- */

static void an_answer_is_read_with_its_version(void **state)
{
    static const uint8_t versions[] = {0, 12, 0, 5, 0, 2, 9, 9, 0, 43, 0, 2, 3, 4};
    uint8_t record[5 + 4 + 2 + 32 + 1 + 3 + sizeof versions] = {0x16, 3, 3,  0, 56, 2,
                                                                0,    0, 52, 3, 3};
    struct stls_answer answer;
    (void)state;
    memset(record + 11, 7, 32);
    memcpy(record + 47, versions, sizeof versions);
    assert_true(stls_answer_read(&answer, record, sizeof record));
    assert_true(answer.tls13);
    assert_int_equal(answer.random[31], 7);
    for (size_t n = 0; n < sizeof record; n++)
        assert_true(stls_answer_read(&answer, record, n) == (n >= 43) && (n < 43 || !answer.tls13));
    record[sizeof record - 1] = 3;
    assert_true(stls_answer_read(&answer, record, sizeof record) && !answer.tls13);
    record[5] = 1;
    assert_false(stls_answer_read(&answer, record, sizeof record));
}

/* ---- keys ---- */

static void tags_and_pad_are_those_of_the_protocol(void **state)
{
    static const uint8_t first[] = {0x17, 3,    3,   0,   9,   0x55, 0x21,
                                    0xd8, 0x8f, 'h', 'e', 'l', 'l',  'o'};
    static const uint8_t padded[] = {0x8f, 0x2d, 0xe4, 0xd9, 0xe1, 0x2b,
                                     0xce, 0x88, 0xff, 0x97, 0x36};
    static const uint8_t site_tag[] = {0xee, 0xc9, 0x95, 0xb8};
    uint8_t out[16], tag[STLS_TAG_LEN];
    struct stls_answer answer = {.tls13 = true};
    struct stls_stream stream = {.site = NULL};
    EVP_MAC_CTX *key = stls_tag_key("secret");
    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        answer.random[i] = i;
    assert_true(stls_stream_begin(&stream, "secret", key, SSP_SERVER, &answer));
    assert_true(stls_stream_expects(&stream, first, sizeof first));
    assert_true(stls_stream_expects(&stream, first, sizeof first)); /* nothing has changed */
    assert_false(stls_stream_expects(&stream, first, sizeof first - 1));
    stls_stream_pad(&stream, (const uint8_t *)"certificate", out, sizeof padded);
    assert_memory_equal(out, padded, sizeof padded);
    assert_true(stls_stream_site_tag(&stream, out, sizeof padded, tag));
    assert_memory_equal(tag, site_tag, sizeof tag);
    stls_stream_pad(&stream, out, out, sizeof padded);
    assert_memory_equal(out, "certificate", sizeof padded);
    stls_stream_release(&stream);
    stls_tag_free(key);
}

static void a_tag_goes_on_from_those_before(void **state)
{
    static const uint8_t tags[][STLS_TAG_LEN] = {{0x55, 0x21, 0xd8, 0x8f},
                                                 {0xf3, 0xe6, 0x6d, 0x7d}};
    uint8_t random[32], tag[STLS_TAG_LEN];
    EVP_MAC_CTX *key = stls_tag_key("secret"), *mac = stls_tag_fork(key);
    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        random[i] = i;
    assert_true(stls_tag_feed(mac, random, 32) && stls_tag_feed(mac, "C", 1));
    assert_true(stls_tag_feed(mac, "hello", 5) && stls_tag_take(mac, tag));
    assert_true(stls_tag_same(tag, tags[0]));
    assert_true(stls_tag_feed(mac, tag, sizeof tag) && stls_tag_feed(mac, sent, 5) &&
                stls_tag_take(mac, tag));
    assert_true(stls_tag_same(tag, tags[1]));
    stls_tag_free(mac);
    stls_tag_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_of_ours_is_known_in_any_pieces),
        cmocka_unit_test(another_one_is_foreign_as_soon_as_it_is_seen),
        cmocka_unit_test(a_hello_is_signed_as_it_is_known),
        cmocka_unit_test(an_answer_is_read_with_its_version),
        cmocka_unit_test(tags_and_pad_are_those_of_the_protocol),
        cmocka_unit_test(a_tag_goes_on_from_those_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
