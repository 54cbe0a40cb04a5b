/* SPDX-License-Identifier: Apache-2.0 */
#include "http/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 256 };

/* Reads text that comes in two parts.  Returns the bytes of the body, or -1. */
static ptrdiff_t read_body(struct ss_http_body *body, const char *text, size_t cut,
                           char payload[ROOM], size_t *payloads)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t at = 0, n = cut, len = strlen(text);
    bool is_payload;
    *payloads = 0;
    while (!body->done) {
        ptrdiff_t next = at < n ? ss_http_body_next(body, p + at, n - at, &is_payload) : 0;
        if (next < 0 || (next == 0 && n == len))
            return -1;
        if (next == 0)
            n = len;
        if (next > 0 && is_payload) {
            memcpy(payload + *payloads, p + at, (size_t)next);
            *payloads += (size_t)next;
        }
        at += (size_t)next;
    }
    return (ptrdiff_t)at;
}

struct chunked {
    const char *text; /* followed by what is not of the body */
    const char *payload;
    size_t len;   /* of the body; 0: broken */
    bool lenient; /* broken in a request only */
};

static const struct chunked rows[] = {
    {"0\r\n\r\nX", "", 5, false},
    {"5\r\nhello\r\n0\r\n\r\n", "hello", 15, false},
    {"00a\r\n0123456789\r\n1;a=b;c=\"d\"\r\n!\r\n000\r\n\r\nGET ", "0123456789!", 40, false},
    {"A\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", "0123456789", 42, false},
    {"1 ; a\r\nx\r\n0\r\n\r\n", "x", 15, false},
    {"1  \r\nx\r\n0\r\n\r\n", "x", 13, true},
    {"\r\n", NULL, 0, false},
    {"g\r\n", NULL, 0, false},
    {"0x1\r\nx\r\n0\r\n\r\n", NULL, 0, false},
    {"-1\r\n", NULL, 0, false},
    {"+1\r\nx\r\n0\r\n\r\n", NULL, 0, false},
    {" 1\r\nx\r\n0\r\n\r\n", NULL, 0, false},
    {"1\nx\n0\n\n", NULL, 0, false},
    {"1\r\nx\n0\r\n\r\n", NULL, 0, false},
    {"1\r\nxy\r\n0\r\n\r\n", NULL, 0, false},
    {"1\r\nx\rZ0\r\n\r\n", NULL, 0, false},
    {"1;a\nb\r\nx\r\n0\r\n\r\n", NULL, 0, false},
    {"1;a\rb\r\nx\r\n0\r\n\r\n", NULL, 0, false},
    {"1 a\r\nx\r\n0\r\n\r\n", NULL, 0, false},
    {"0\r\nbad trailer\r\n\r\n", NULL, 0, false},
    {"0\r\n folded\r\n\r\n", NULL, 0, false},
    {"0\r\nA : b\r\n\r\n", NULL, 0, true},
    {"1000000000000000\r\n", NULL, 0, false},
    {"ffffffffffffffffffff\r\n", NULL, 0, false},
};

static void chunks_are_read_by_the_letter_for_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t cut = 0; cut <= strlen(rows[i].text); cut++) {
            char payload[ROOM];
            size_t n;
            struct ss_http_body body;
            ss_http_body_begin(&body, SS_HTTP_CHUNKED, 0, SS_HTTP_STRICT);
            ptrdiff_t len = read_body(&body, rows[i].text, cut, payload, &n);
            bool fine = rows[i].len > 0 && !rows[i].lenient;
            assert_int_equal(len, fine ? (ptrdiff_t)rows[i].len : -1);
            if (fine) {
                assert_int_equal(n, strlen(rows[i].payload));
                assert_memory_equal(payload, rows[i].payload, n);
            }
        }
    }
}

static void a_response_may_pad_its_sizes(void **state)
{
    char payload[ROOM];
    size_t n;
    struct ss_http_body body;
    (void)state;
    ss_http_body_begin(&body, SS_HTTP_CHUNKED, 0, SS_HTTP_LENIENT);
    assert_int_equal(read_body(&body, "1  \r\nx\r\n0\r\n\r\n", 2, payload, &n), 13);
}

static void a_length_counts_bytes(void **state)
{
    char payload[ROOM];
    size_t n;
    struct ss_http_body body;
    (void)state;
    for (size_t cut = 0; cut <= 8; cut++) {
        ss_http_body_begin(&body, SS_HTTP_LENGTH, 5, SS_HTTP_STRICT);
        assert_int_equal(read_body(&body, "helloGET", cut, payload, &n), 5);
        assert_int_equal(n, 5);
    }
    ss_http_body_begin(&body, SS_HTTP_LENGTH, 0, SS_HTTP_STRICT);
    assert_true(body.done);
    ss_http_body_begin(&body, SS_HTTP_NO_BODY, 7, SS_HTTP_STRICT);
    assert_true(body.done);
    ss_http_body_begin(&body, SS_HTTP_UNTIL_END, 0, SS_HTTP_LENIENT);
    assert_false(body.done);
}

static void lines_and_trailers_are_bounded(void **state)
{
    static uint8_t text[16384];
    struct ss_http_body body;
    bool payload;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "1;", 2);
    ss_http_body_begin(&body, SS_HTTP_CHUNKED, 0, SS_HTTP_STRICT);
    assert_int_equal(ss_http_body_next(&body, text, sizeof text, &payload), -1);
    ss_http_body_begin(&body, SS_HTTP_CHUNKED, 0, SS_HTTP_STRICT);
    assert_int_equal(ss_http_body_next(&body, (const uint8_t *)"0\r\n", 3, &payload), 3);
    assert_int_equal(ss_http_body_next(&body, text, sizeof text, &payload), -1);

    ptrdiff_t n = 0;
    ss_http_body_begin(&body, SS_HTTP_CHUNKED, 0, SS_HTTP_STRICT);
    (void)ss_http_body_next(&body, (const uint8_t *)"0\r\n", 3, &payload);
    for (int i = 0; i < 20000 && n != -1; i++)
        n = ss_http_body_next(&body, (const uint8_t *)"A: b\r\n", 6, &payload);
    assert_int_equal(n, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_read_by_the_letter_for_every_split),
        cmocka_unit_test(a_response_may_pad_its_sizes),
        cmocka_unit_test(a_length_counts_bytes),
        cmocka_unit_test(lines_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
