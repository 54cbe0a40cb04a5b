/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proxy_preface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define WITHOUT_NUL(text) text, sizeof(text) - 1
#define V4 "\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb"
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xdc\x04" \
    "\x01\xbb"
#define MAPPED                                                                                     \
    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x01\xdc" \
    "\x04\x01\xbb"
#define LONGEST_V6 "ffff:f8ff:ffff:ffff:ffff:ffff:ffff:ffff"
#define LETTERS_90                                                                                 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { BYTES_MAX = 8192 };

struct header_case {
    const char *bytes;
    size_t len;
    const char *client; /* "": it names none; NULL: refused with why */
    const char *why;
};

static const struct header_case whole[] = {
    {WITHOUT_NUL(SIGNATURE "\x21\x11\0\x0c" V4), "192.0.2.7:56324", NULL},
    {WITHOUT_NUL(SIGNATURE "\x21\x21\0\x24" V6), "[2001:db8::7]:56324", NULL},
    {WITHOUT_NUL(SIGNATURE "\x21\x21\0\x24" MAPPED), "192.0.2.7:56324", NULL},
    /* TLVs: a checksum, padding */
    {WITHOUT_NUL(SIGNATURE "\x21\x11\0\x13" V4 "\x03\0\x04\x01\x02\x03\x04"), "192.0.2.7:56324",
     NULL},
    {WITHOUT_NUL(SIGNATURE "\x20\0\0\0"), "", NULL},        /* LOCAL */
    {WITHOUT_NUL(SIGNATURE "\x20\x11\0\x0c" V4), "", NULL}, /* LOCAL with an address */
    {WITHOUT_NUL(SIGNATURE "\x20\x11\0\0"), "", NULL},      /* LOCAL without one */
    {WITHOUT_NUL(SIGNATURE "\x21\0\0\0"), "", NULL},        /* UNSPEC */
    {WITHOUT_NUL(SIGNATURE "\x21\x12\0\x0c" V4), "", NULL}, /* UDP */
    {WITHOUT_NUL(SIGNATURE "\x21\x31\0\x04"
                           "/a\0\0"),
     "", NULL},                                             /* UNIX */
    {WITHOUT_NUL(SIGNATURE "\x21\x77\0\x0c" V4), "", NULL}, /* no known family */
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"), "192.0.2.7:56324", NULL},
    {WITHOUT_NUL("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
     "255.255.255.255:65535", NULL},
    {WITHOUT_NUL("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n"), "[2001:db8::7]:56324", NULL},
    {WITHOUT_NUL("PROXY TCP6 " LONGEST_V6 " " LONGEST_V6 " 65535 65535\r\n"),
     "[" LONGEST_V6 "]:65535", NULL},
    {WITHOUT_NUL("PROXY UNKNOWN\r\n"), "", NULL},
    {WITHOUT_NUL("PROXY UNKNOWN " LONGEST_V6 " " LONGEST_V6 " 65535 65535\r\n"), "", NULL},
};

#define NO_LINE "its line is not one of version 1"

static const struct header_case refused[] = {
    {WITHOUT_NUL("GET / HTTP/1.1\r\n"), NULL, "the connection does not begin with one"},
    {WITHOUT_NUL("proxy TCP4"), NULL, "the connection does not begin with one"},
    {WITHOUT_NUL("\r\n\r\n\0\r\nQUIX"), NULL, "the connection does not begin with one"},
    {WITHOUT_NUL(SIGNATURE "\x11\x11\0\x0c"), NULL, "its version and command are not known"},
    {WITHOUT_NUL(SIGNATURE "\x22\x11\0\x0c"), NULL, "its version and command are not known"},
    {WITHOUT_NUL(SIGNATURE "\x21\x11\0\x0b"), NULL, "it is too short for its addresses"},
    {WITHOUT_NUL(SIGNATURE "\x21\x21\0\x0c"), NULL, "it is too short for its addresses"},
    {WITHOUT_NUL(SIGNATURE "\x21\x11\x0f\xf1"), NULL, "it is longer than 4096 bytes"},
    {WITHOUT_NUL(SIGNATURE "\x20\0\xff\xff"), NULL, "it is longer than 4096 bytes"},
    {WITHOUT_NUL("PROXY UNKNOWN " LETTERS_90 "aaa"), NULL, "its line is longer than 107 bytes"},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY \n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY \r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP5 192.0.2.7 198.51.100.1 56324 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 \r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4  192.0.2.7 198.51.100.1 56324 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 198.51.100.1 01 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 2001:db8::7 198.51.100.1 1 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP6 192.0.2.7 198.51.100.1 1 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7 www.example.com 1 443\r\n"), NULL, NO_LINE},
    {WITHOUT_NUL("PROXY TCP4 192.0.2.7\0 198.51.100.1 1 443\r\n"), NULL, NO_LINE},
};

struct reading {
    void *state;
    struct ssp__address client;
    struct ssp__preface_step step;
};

static void reading_begin(struct reading *r)
{
    *r = (struct reading){.state = calloc(1, ssp__proxy_preface.state_size)};
    assert_non_null(r->state);
    r->step.client = &r->client;
}

/* From a copy of exactly that size. */
static enum ssp__preface_verdict read_on(struct reading *r, const char *bytes, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    enum ssp__preface_verdict v = ssp__proxy_preface.feed(r->state, copy, n, &r->step);
    free(copy);
    return v;
}

static void names(const struct header_case *c, size_t cut)
{
    char text[SSP_ADDRESS_TEXT_MAX], behind[BYTES_MAX];
    struct reading r;
    reading_begin(&r);
    (void)memcpy(behind, c->bytes, c->len);
    (void)memcpy(behind + c->len, "payload", 7);
    if (cut < c->len) {
        assert_int_equal(read_on(&r, behind, cut), SSP_PREFACE_MORE);
        assert_int_equal(r.step.used, cut);
        assert_int_equal(r.client.len, 0);
    } else {
        cut = 0;
    }
    assert_int_equal(read_on(&r, behind + cut, c->len - cut + 7), SSP_PREFACE_DONE);
    assert_int_equal(r.step.used, c->len - cut);
    ssp__address_format(&r.client, text, sizeof text);
    assert_string_equal(text, *c->client != '\0' ? c->client : "none");
    free(r.state);
}

static void every_split_names_the_same_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        for (size_t cut = 0; cut <= whole[i].len; cut++)
            names(&whole[i], cut);
    }
}

static void every_split_refuses_for_the_same_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        for (size_t cut = 0; cut <= refused[i].len; cut++) {
            const struct header_case *c = &refused[i];
            struct reading r;
            reading_begin(&r);
            enum ssp__preface_verdict v = read_on(&r, c->bytes, cut);
            if (v == SSP_PREFACE_MORE)
                v = read_on(&r, c->bytes + cut, c->len - cut);
            assert_int_equal(v, SSP_PREFACE_REFUSED);
            assert_string_equal(r.step.why, c->why);
            assert_int_equal(r.client.len, 0);
            free(r.state);
        }
    }
}

static void a_header_of_the_longest_length_is_skipped_byte_by_byte(void **state)
{
    (void)state;
    static char bytes[SSP_PROXY_PREFACE_MAX];
    struct reading r;
    reading_begin(&r);
    memcpy(bytes, SIGNATURE "\x21\x11\x0f\xf0" V4, 28);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bool last = i == sizeof bytes - 1;
        assert_int_equal(read_on(&r, bytes + i, 1), last ? SSP_PREFACE_DONE : SSP_PREFACE_MORE);
    }
    assert_int_equal(ssp__address_port(&r.client), 56324);
    free(r.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_names_the_same_client),
        cmocka_unit_test(every_split_refuses_for_the_same_reason),
        cmocka_unit_test(a_header_of_the_longest_length_is_skipped_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
