/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

/* The client of a request with these fields, "" for none. */
static const char *client_of(const char *trust, const char *peer, const char *fields)
{
    static char client[WS_FORWARDED_TEXT];
    struct ws_trusted trusted;
    char head[512];
    assert_null(ws_trusted_read(&trusted, trust));
    (void)snprintf(head, sizeof head, GET "%s\r\n", fields);
    bool found = ws_forwarded_client(&trusted, peer,
                                     ws_span_of((const uint8_t *)head, strlen(head)), client);
    assert_int_equal(found, client[0] != '\0');
    return client;
}

#define FORWARDED(value_) "X-Forwarded-For: " value_ "\r\n"

static void only_a_trusted_proxy_is_believed(void **state)
{
    (void)state;
    static const char field[] = FORWARDED("203.0.113.7");
    assert_string_equal(client_of("127.0.0.1", "127.0.0.1", field), "203.0.113.7");
    assert_string_equal(client_of("127.0.0.1", "127.0.0.2", field), "");
    assert_string_equal(client_of("127.0.0.0/8", "127.9.9.9", field), "203.0.113.7");
    assert_string_equal(client_of("10.0.0.0/8,::1,192.0.2.128/25", "::1", field), "203.0.113.7");
    assert_string_equal(client_of("192.0.2.128/25", "192.0.2.128", field), "203.0.113.7");
    assert_string_equal(client_of("192.0.2.128/25", "192.0.2.127", field), "");
    assert_string_equal(client_of("::ffff:192.0.2.1", "192.0.2.1", field), "203.0.113.7");
    assert_string_equal(client_of("0.0.0.0/0", "192.0.2.1", field), "203.0.113.7");
    assert_string_equal(client_of("0.0.0.0/0", "2001:db8::1", field), "");
    assert_string_equal(client_of("127.0.0.1", "?", field), "");
}

/* A client may write a field of its own: the nearest proxies write behind it. */
static void the_nearest_address_that_is_no_proxy_counts(void **state)
{
    (void)state;
    static const char trust[] = "127.0.0.1,10.0.0.0/8";
    static const struct {
        const char *fields, *client;
    } rows[] = {
        {FORWARDED("1.1.1.1, 203.0.113.7"), "203.0.113.7"},
        {FORWARDED("1.1.1.1,203.0.113.7,10.1.1.1"), "203.0.113.7"},
        {FORWARDED("1.1.1.1") FORWARDED("203.0.113.7"), "203.0.113.7"},
        {FORWARDED("10.1.1.1,10.1.1.2"), "10.1.1.1"},
        {FORWARDED("203.0.113.7:4711"), "203.0.113.7"},
        {FORWARDED("[2001:db8::7]:4711"), "2001:db8::7"},
        {FORWARDED("2001:db8::7"), "2001:db8::7"},
        {FORWARDED("203.0.113.7, unknown"), ""},
        {FORWARDED("unknown, 203.0.113.7"), "203.0.113.7"},
        {FORWARDED("203.0.113.7, 10.1.1.1") "X-Real-IP: 1.1.1.1\r\n", "203.0.113.7"},
        {"X-Real-IP: 203.0.113.7\r\n", "203.0.113.7"},
        {"", ""},
        {FORWARDED(""), ""},
        {FORWARDED("[::1"), "::1"},
        {FORWARDED("0123456789012345678901234567890123456789012345678901234567890123456789"), ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(client_of(trust, "127.0.0.1", rows[i].fields), rows[i].client);
}

static void a_list_that_is_none_is_refused_where_it_fails(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",        "a",          "1.2.3.4,b",   "1.2.3.4/33",
                                        "::1/129", "1.2.3.4/-1", "1.2.3.4/8x,", "1.2.3.4,"};
    struct ws_trusted trusted;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(ws_trusted_read(&trusted, wrong[i]));
    assert_string_equal(ws_trusted_read(&trusted, "1.2.3.4,b,::1"), "b,::1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_trusted_proxy_is_believed),
        cmocka_unit_test(the_nearest_address_that_is_no_proxy_counts),
        cmocka_unit_test(a_list_that_is_none_is_refused_where_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
