/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as a target gets them, and those that are refused. */
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4096 };

struct row {
    const char *said, *sent;
};

#define GET(target) "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n"
#define WITH(fields) "GET http://h/ HTTP/1.1\r\n" fields "\r\n"
#define SENT(fields) "GET / HTTP/1.1\r\nHost: h\r\n" fields "\r\n"

static const struct row forwarded[] = {
    /* the target */
    {GET("http://h/a?b=c"), "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"},
    {GET("http://h"), "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {GET("http://h?x=1"), "GET /?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {GET("http://h/a#b"), "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"},
    {GET("http://h#b?c/d"), "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {GET("HTTP://h:8080/"), "GET / HTTP/1.1\r\nHost: h:8080\r\n\r\n"},
    {GET("http://h:/"), "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {GET("http://[::1]:81/"), "GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n"},
    {GET("http://[::1]/"), "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"},
    {GET("http://x:y@h/"), "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eDp5\r\n\r\n"},
    {GET("http://x%40:%3a@h/"),
     "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eEA6Og==\r\n\r\n"},
    {GET("http://@h/"), "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"GET http://x:y@h/ HTTP/1.1\r\nAuthorization: Z\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Z\r\n\r\n"},
    {"get http://h/ HTTP/1.1\r\n\r\n", "get / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"OPTIONS http://h HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"OPTIONS http://h/ HTTP/1.1\r\n\r\n", "OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n"},
    /* the version is ours */
    {"GET http://h/ HTTP/1.0\r\n\r\n", SENT("")},
    {"GET http://h/ HTTP/1.9\r\n\r\n", SENT("")},
    /* the URI wins over Host, which may be missing */
    {WITH("Host: other\r\n"), SENT("")},
    {WITH(""), SENT("")},
    /* what is about one connection ends here */
    {WITH("Proxy-Connection: keep-alive\r\nA: b\r\n"), SENT("A: b\r\n")},
    {WITH("Connection: close, X-A\r\nX-A: 1\r\nx-b: 2\r\n"), SENT("x-b: 2\r\n")},
    {WITH("x-a: 1\r\nConnection: X-A\r\nConnection: x-b\r\nX-B: 2\r\n"), SENT("")},
    {WITH("Keep-Alive: 5\r\nTE: trailers\r\nTrailer: T\r\n"), SENT("Trailer: T\r\n")},
    {WITH("Proxy-Authorization: Basic eDp5\r\nCookie: c\r\n"), SENT("Cookie: c\r\n")},
    {WITH("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n"),
     SENT("")},
    {WITH("Connection: Upgrade\r\nUpgrade: websocket\r\n"),
     SENT("Connection: Upgrade\r\nUpgrade: websocket\r\n")},
    {WITH("Upgrade: websocket\r\n"), SENT("")},
    {WITH("Via: 1.1 a\r\nX-Forwarded-For: b\r\n"), SENT("Via: 1.1 a\r\nX-Forwarded-For: b\r\n")},
    /* framing is written anew, whatever Connection names */
    {WITH("Content-Length: 05\r\n"), SENT("Content-Length: 5\r\n")},
    {WITH("Connection: content-length\r\nContent-Length: 5\r\n"), SENT("Content-Length: 5\r\n")},
    {WITH("Transfer-Encoding: Chunked\r\n"), SENT("Transfer-Encoding: chunked\r\n")},
    {WITH("Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n"),
     SENT("Transfer-Encoding: chunked\r\n")},
    {WITH("Expect: 100-continue\r\n"), SENT("Expect: 100-continue\r\n")},
    /* hops */
    {WITH("Max-Forwards: 0\r\n"), SENT("Max-Forwards: 0\r\n")},
    {"TRACE http://h/ HTTP/1.1\r\nMax-Forwards: 5\r\n\r\n",
     "TRACE / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 4\r\n\r\n"},
};

static void a_request_reaches_its_target_as_the_rules_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++) {
        const struct row *row = &forwarded[i];
        struct ss_http_request r;
        char out[ROOM];
        size_t len = strlen(row->said);
        assert_int_equal(ss_http_request_read(&r, (const uint8_t *)row->said, len), 0);
        assert_int_equal(r.form, SS_HTTP_ABSOLUTE);
        size_t n = ss_http_request_write(&r, out, ss_http_request_room(len));
        out[n] = '\0';
        assert_string_equal(out, row->sent);
    }
}

static const struct {
    const char *said;
    int status;
} refused[] = {
    /* two readers could see two bodies */
    {WITH("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {WITH("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
    {WITH("Content-Length: 5, 5\r\n"), 400},
    {WITH("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
    {WITH("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
    {WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
    {WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400},
    {WITH("Transfer-Encoding: gzip, chunked\r\n"), 501},
    {WITH("Transfer-Encoding: chunked, chunked\r\n"), 501},
    {WITH("Transfer-Encoding: xchunked\r\n"), 501},
    {WITH("Transfer-Encoding: \x0b"
          "chunked\r\n"),
     400},
    {WITH("Transfer-Encoding:\r\n"), 501},
    {"POST http://h/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {WITH("Content-Length: -1\r\n"), 400},
    {WITH("Content-Length: +5\r\n"), 400},
    {WITH("Content-Length: 0x5\r\n"), 400},
    {WITH("Content-Length: 5 6\r\n"), 400},
    {WITH("Content-Length:\r\n"), 400},
    {WITH("Content-Length: 9223372036854775808\r\n"), 400},
    {WITH("Content-Length : 5\r\n"), 400},
    {WITH("Content-Length\t: 5\r\n"), 400},
    {WITH(" Content-Length: 5\r\n"), 400},
    {WITH("A: b\r\n Content-Length: 5\r\n"), 400},
    {WITH("A: b\rContent-Length: 5\r\n"), 400},
    {WITH("Host: a\r\nHost: a\r\n"), 400},
    {WITH("Proxy-Authorization: Basic eDp5\r\nProxy-Authorization: Basic eDp5\r\n"), 400},
    {WITH("no colon\r\n"), 400},
    {WITH(": no name\r\n"), 400},
    /* the line */
    {"GET  http://h/ HTTP/1.1\r\n\r\n", 400},
    {"GET http://h/  HTTP/1.1\r\n\r\n", 400},
    {"GET http://h/ HTTP/1.1 \r\n\r\n", 400},
    {"GET http://h/ a HTTP/1.1\r\n\r\n", 400},
    {" GET http://h/ HTTP/1.1\r\n\r\n", 400},
    {"GET\thttp://h/ HTTP/1.1\r\n\r\n", 400},
    {"GET http://h/\r\n\r\n", 400},
    {"GET\r\n\r\n", 400},
    {"G(T http://h/ HTTP/1.1\r\n\r\n", 400},
    {"GET http://h/ http/1.1\r\n\r\n", 400},
    {"GET http://h/ HTTP/1.10\r\n\r\n", 400},
    {"GET http://h/ HTTP/2.0\r\n\r\n", 505},
    {"GET http://h/ HTTP/0.9\r\n\r\n", 505},
    /* its target */
    {GET("http:///a"), 400},
    {GET("http://"), 400},
    {GET("http:h"), 400},
    {GET("h:80"), 400},
    {GET("*"), 400},
    {GET("a"), 400},
    {GET("http://h:0/"), 400},
    {GET("http://h:65536/"), 400},
    {GET("http://h:8o/"), 400},
    {GET("http://[::1/"), 400},
    {GET("http://[::1]x/"), 400},
    {GET("http://h:1:2/"), 400},
    {GET("https://h/"), 501},
    {GET("ftp://h/"), 501},
    {"CONNECT h HTTP/1.1\r\n\r\n", 400},
    {"CONNECT h: HTTP/1.1\r\n\r\n", 400},
    {"CONNECT h:0 HTTP/1.1\r\n\r\n", 400},
    {"CONNECT :80 HTTP/1.1\r\n\r\n", 400},
    {"CONNECT ::1:80 HTTP/1.1\r\n\r\n", 400},
};

static void what_two_readers_could_understand_differently_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct ss_http_request r;
        size_t len = strlen(refused[i].said);
        int status = ss_http_request_read(&r, (const uint8_t *)refused[i].said, len);
        if (status != refused[i].status)
            print_message("%s", refused[i].said);
        assert_int_equal(status, refused[i].status);
    }
}

static void connect_names_a_host_and_a_port(void **state)
{
    static const struct {
        const char *said, *host;
        uint16_t port;
    } rows[] = {
        {"CONNECT h:443 HTTP/1.1\r\nHost: other\r\n\r\n", "h", 443},
        {"CONNECT h:80 HTTP/1.0\r\n\r\n", "h", 80},
        {"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nContent-Length: 9\r\n\r\n", "2001:db8::1", 443},
        {"CONNECT 127.0.0.1:1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "127.0.0.1", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ss_http_request r;
        size_t len = strlen(rows[i].said);
        assert_int_equal(ss_http_request_read(&r, (const uint8_t *)rows[i].said, len), 0);
        assert_int_equal(r.form, SS_HTTP_CONNECT);
        assert_string_equal(r.uri.host, rows[i].host);
        assert_int_equal(r.uri.port, rows[i].port);
        assert_int_equal(ss_http_request_framing(&r), SS_HTTP_NO_BODY);
    }
}

static void the_last_hop_is_ours(void **state)
{
    struct ss_http_request r;
    static const char said[] = "OPTIONS http://h/ HTTP/1.1\r\nMax-Forwards: 0\r\n\r\n";
    (void)state;
    assert_int_equal(ss_http_request_read(&r, (const uint8_t *)said, sizeof said - 1), 0);
    assert_true(r.last_hop);
}

static void some_hundred_fields_are_passed_on(void **state)
{
    static char said[65536], sent[2 * sizeof said + 1024];
    size_t n = (size_t)strlen(strcpy(said, "GET http://h/ HTTP/1.1\r\n"));
    (void)state;
    for (int i = 0; i < 900; i++) {
        static const char field[] = "X-Filler: 0123456789012345678901234567890123456789\r\n";
        memcpy(said + n, field, sizeof field - 1);
        n += sizeof field - 1;
    }
    memcpy(said + n, "\r\n", 2);
    n += 2;
    struct ss_http_request r;
    assert_int_equal(ss_http_request_read(&r, (const uint8_t *)said, n), 0);
    size_t written = ss_http_request_write(&r, sent, ss_http_request_room(n));
    assert_int_equal(written, n - strlen("http://h") + strlen("Host: h\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_reaches_its_target_as_the_rules_say),
        cmocka_unit_test(what_two_readers_could_understand_differently_is_refused),
        cmocka_unit_test(connect_names_a_host_and_a_port),
        cmocka_unit_test(the_last_hop_is_ours),
        cmocka_unit_test(some_hundred_fields_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
