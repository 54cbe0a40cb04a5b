/* SPDX-License-Identifier: Apache-2.0 */
#include "hearing.h"
#include "proto/target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define V4 "\x01\x7f\x00\x00\x01\x00\x50"
#define V6 "\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb"
#define NAMED                                                                                      \
    "\x03\x0b"                                                                                     \
    "example.org"                                                                                  \
    "\x01\xbb"

#define WITHOUT_NUL(text) text, sizeof(text) - 1

struct header_case {
    const char *bytes;
    size_t len;
    const char *host; /* NULL: refused with why */
    uint16_t port;
    const char *why;
};

static void is_refused(const char *bytes, size_t n, const char *why)
{
    struct hearing h;
    hearing_begin(&h, &ss_target_front, NULL, NULL);
    assert_int_equal(hear(&h, bytes, n, false), SSP_FAIL);
    assert_string_equal(hearing_why(&h), why);
    assert_null(h.front.pump.rule);
    hearing_end(&h);
}

/* Heard in two pieces with payload behind, it names this target and leaves the payload. */
static void names(const struct header_case *c, size_t cut)
{
    struct hearing h;
    hearing_begin(&h, &ss_target_front, NULL, NULL);
    if (cut < c->len)
        assert_int_equal(hear(&h, c->bytes, cut, false), SSP_MORE);
    else
        assert_int_equal(hear(&h, c->bytes, cut, false), SSP_CLEAR);
    assert_int_equal(hear(&h, c->bytes + cut, c->len - cut, false), SSP_CLEAR);
    (void)hear(&h, "payload", 7, false);
    assert_string_equal(ssp__endpoint_host(&h.front.target.endpoint, (char[SSP_HOST_MAX]){0}),
                        c->host);
    assert_int_equal(h.front.target.endpoint.port, c->port);
    assert_int_equal(h.front.target.header_len, c->len);
    assert_memory_equal(h.front.target.header, c->bytes, c->len);
    assert_int_equal(ssp__bytes_len(&h.said), 7);
    assert_memory_equal(ssp__bytes_data(&h.said), "payload", 7);
    assert_int_equal(ssp__bytes_len(&h.reply), 0);
    assert_null(h.front.pump.rule);
    hearing_end(&h);
}

static const struct header_case valid[] = {
    {WITHOUT_NUL(V4), "127.0.0.1", 80, NULL},
    {WITHOUT_NUL(V6), "2001:db8::1", 443, NULL},
    {WITHOUT_NUL(NAMED), "example.org", 443, NULL},
    {WITHOUT_NUL("\x03\x01"
                 "a"
                 "\xff\xff"),
     "a", 65535, NULL},
    {WITHOUT_NUL("\x03\x06"
                 "a_b-c."
                 "\x00\x01"),
     "a_b-c.", 1, NULL},
};

static void every_split_names_the_same_target(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        for (size_t cut = 0; cut <= valid[i].len; cut++)
            names(&valid[i], cut);
    }
}

static void a_header_is_understood_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        struct hearing h;
        hearing_begin(&h, &ss_target_front, NULL, NULL);
        for (size_t n = 0; n + 1 < valid[i].len; n++) {
            assert_int_equal(hear(&h, valid[i].bytes + n, 1, false), SSP_MORE);
            assert_true(h.front.pump.need > n + 1 && h.front.pump.need <= valid[i].len);
        }
        assert_int_equal(hear(&h, valid[i].bytes + valid[i].len - 1, 1, false), SSP_CLEAR);
        assert_string_equal(ssp__endpoint_host(&h.front.target.endpoint, (char[SSP_HOST_MAX]){0}),
                            valid[i].host);
        hearing_end(&h);
    }
}

static void a_name_has_1_to_255_bytes(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 255; len++) {
        char bytes[SSP_TARGET_HEADER_MAX];
        memset(bytes, 'a', sizeof bytes);
        bytes[0] = 3;
        bytes[1] = (char)len;
        struct hearing h;
        hearing_begin(&h, &ss_target_front, NULL, NULL);
        assert_int_equal(hear(&h, bytes, len + 4, false), SSP_CLEAR);
        assert_int_equal(
            strlen(ssp__endpoint_host(&h.front.target.endpoint, (char[SSP_HOST_MAX]){0})), len);
        hearing_end(&h);
    }
    is_refused(WITHOUT_NUL("\x03\x00"), "invalid host name length");
}

static void an_unknown_type_is_refused_at_its_first_byte(void **state)
{
    (void)state;
    for (int type = 0; type < 256; type++) {
        char byte = (char)type;
        if (type != 1 && type != 3 && type != 4)
            is_refused(&byte, 1, "invalid address type");
    }
}

static void a_name_is_printable_ascii_without_delimiters(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char bytes[] = "\x03\x03"
                       "aXb"
                       "\x00\x50";
        bytes[3] = (char)c;
        struct hearing h;
        hearing_begin(&h, &ss_target_front, NULL, NULL);
        bool expected = c > ' ' && c < 0x7f && strchr("[]/|\"\\%:", c) == NULL;
        assert_int_equal(hear(&h, bytes, sizeof bytes - 1, false), expected ? SSP_CLEAR : SSP_FAIL);
        if (!expected)
            assert_string_equal(hearing_why(&h), "invalid host name");
        hearing_end(&h);
    }
}

static void a_nul_at_either_end_of_a_name_is_refused(void **state)
{
    (void)state;
    is_refused(WITHOUT_NUL("\x03\x02"
                           "\0"
                           "a"
                           "\x00\x50"),
               "invalid host name");
    is_refused(WITHOUT_NUL("\x03\x02"
                           "a"
                           "\0"
                           "\x00\x50"),
               "invalid host name");
    is_refused(WITHOUT_NUL("\x03\x01"
                           "\0"
                           "\x00\x50"),
               "invalid host name");
}

static void port_0_is_refused(void **state)
{
    (void)state;
    is_refused(WITHOUT_NUL("\x01\x01\x02\x03\x04\x00\x00"), "invalid port");
    is_refused(WITHOUT_NUL("\x03\x01"
                           "a"
                           "\x00\x00"),
               "invalid port");
    is_refused(WITHOUT_NUL("\x04"
                           "0123456789abcdef"
                           "\x00\x00"),
               "invalid port");
}

/* Otherwise a rule about addresses would not see it. */
static void a_name_that_is_an_address_counts_as_the_address(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *host, *header;
        size_t header_len;
    } rows[] = {
        {WITHOUT_NUL("\x03\x09"
                     "127.0.0.1"
                     "\x00\x50"),
         "127.0.0.1", WITHOUT_NUL(V4)},
        {WITHOUT_NUL("\x03\x14"
                     "2001:0DB8:0:0::0:0:1"
                     "\x01\xbb"),
         "2001:db8::1", WITHOUT_NUL(V6)},
        {WITHOUT_NUL("\x03\x0d"
                     "[2001:db8::1]"
                     "\x01\xbb"),
         "2001:db8::1", WITHOUT_NUL(V6)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hearing h;
        hearing_begin(&h, &ss_target_front, NULL, NULL);
        assert_int_equal(hear(&h, rows[i].bytes, rows[i].len, false), SSP_CLEAR);
        assert_string_equal(ssp__endpoint_host(&h.front.target.endpoint, (char[SSP_HOST_MAX]){0}),
                            rows[i].host);
        assert_int_equal(h.front.target.header_len, rows[i].header_len);
        assert_memory_equal(h.front.target.header, rows[i].header, rows[i].header_len);
        hearing_end(&h);
    }
}

static void an_end_within_the_header_is_refused_by_what_is_missing(void **state)
{
    static const struct header_case rows[] = {
        {WITHOUT_NUL(""), NULL, 0, "invalid request length"},
        {WITHOUT_NUL("\x01\x7f"), NULL, 0, "invalid length for ipv4 address"},
        {WITHOUT_NUL("\x03"), NULL, 0, "invalid host name length"},
        {WITHOUT_NUL("\x03\x05"
                     "abc"),
         NULL, 0, "invalid host name length"},
        {WITHOUT_NUL("\x04\x20"), NULL, 0, "invalid length for ipv6 address"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hearing h;
        hearing_begin(&h, &ss_target_front, NULL, NULL);
        assert_int_equal(hear(&h, rows[i].bytes, rows[i].len, true), SSP_FAIL);
        assert_string_equal(hearing_why(&h), rows[i].why);
        hearing_end(&h);
    }
}

static void a_target_is_built_from_text(void **state)
{
    struct ssp__target t;
    (void)state;
    assert_int_equal(ss_target_set(&t, "example.org", 443), 0);
    assert_memory_equal(t.header, NAMED, sizeof NAMED - 1);
    assert_int_equal(ss_target_set(&t, "[2001:DB8::1]", 443), 0);
    assert_memory_equal(t.header, V6, sizeof V6 - 1);
    assert_string_equal(ssp__endpoint_host(&t.endpoint, (char[SSP_HOST_MAX]){0}), "2001:db8::1");
    assert_int_equal(ss_target_set(&t, "127.0.0.1", 80), 0);
    assert_memory_equal(t.header, V4, sizeof V4 - 1);
}

static void a_target_is_read_with_its_port(void **state)
{
    static const char *const wrong[] = {
        "",        "example.org",      "example.org:", ":443",        "[::1]", "::1",
        "::1:443", "[::1:443",         "a:0",          "a:65536",     "a:b",   "a:-1",
        "a b:443", "[fe80::1%lo]:443", "a:443 ",       "http://a:443"};
    struct ssp__target t;
    (void)state;
    assert_int_equal(ss_target_read(&t, "example.org:443"), 0);
    assert_memory_equal(t.header, NAMED, sizeof NAMED - 1);
    assert_int_equal(ss_target_read(&t, "[2001:DB8::1]:443"), 0);
    assert_memory_equal(t.header, V6, sizeof V6 - 1);
    assert_int_equal(ss_target_read(&t, "127.0.0.1:80"), 0);
    assert_memory_equal(t.header, V4, sizeof V4 - 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (ss_target_read(&t, wrong[i]) != -1)
            fail_msg("%s is taken", wrong[i]);
    }
}

static void text_that_is_no_host_makes_no_target(void **state)
{
    static const char *const hosts[] = {"", "[]", "a b", "[example.org]", "fe80::1%lo", "a:b"};
    struct ssp__target t;
    char endless[300];
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_int_equal(ss_target_set(&t, hosts[i], 80), -1);
    assert_int_equal(ss_target_set(&t, "example.org", 0), -1);
    memset(endless, 'a', sizeof endless);
    endless[256] = '\0';
    assert_int_equal(ss_target_set(&t, endless, 80), -1);
    endless[255] = '\0';
    assert_int_equal(ss_target_set(&t, endless, 80), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_names_the_same_target),
        cmocka_unit_test(a_header_is_understood_byte_by_byte),
        cmocka_unit_test(a_name_has_1_to_255_bytes),
        cmocka_unit_test(an_unknown_type_is_refused_at_its_first_byte),
        cmocka_unit_test(a_name_is_printable_ascii_without_delimiters),
        cmocka_unit_test(a_nul_at_either_end_of_a_name_is_refused),
        cmocka_unit_test(port_0_is_refused),
        cmocka_unit_test(a_name_that_is_an_address_counts_as_the_address),
        cmocka_unit_test(an_end_within_the_header_is_refused_by_what_is_missing),
        cmocka_unit_test(a_target_is_built_from_text),
        cmocka_unit_test(a_target_is_read_with_its_port),
        cmocka_unit_test(text_that_is_no_host_makes_no_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
