/* SPDX-License-Identifier: Apache-2.0 */
/* Responses as a client gets them, and what is none. */
#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4096 };

#define OK "HTTP/1.1 200 OK\r\n"
#define CLOSE "Connection: close\r\n"
#define KEEP "Connection: keep-alive\r\n"

static const struct ss_http_client now = {.minor = 1, .persists = true};
static const struct ss_http_client closing = {.minor = 1};
static const struct ss_http_client old = {.minor = 0};
static const struct ss_http_client staying = {.minor = 0, .persists = true};

static const struct {
    const struct ss_http_client *client;
    const char *said, *sent;
    enum ss_http_framing framing;
} passed[] = {
    {&now, OK "Content-Length: 5\r\n\r\n", OK "Content-Length: 5\r\n\r\n", SS_HTTP_LENGTH},
    {&closing, OK "Content-Length: 5\r\n\r\n", OK "Content-Length: 5\r\n" CLOSE "\r\n",
     SS_HTTP_LENGTH},
    {&staying, OK "Content-Length: 5\r\n\r\n", OK "Content-Length: 5\r\n" KEEP "\r\n",
     SS_HTTP_LENGTH},
    {&now, "HTTP/1.0 404\r\n\r\n", "HTTP/1.1 404 \r\n\r\n", SS_HTTP_UNTIL_END},
    {&now, "HTTP/1.1 200 All is well\r\n\r\n", "HTTP/1.1 200 All is well\r\n\r\n",
     SS_HTTP_UNTIL_END},
    {&now, OK "Transfer-Encoding: chunked\r\n\r\n", OK "Transfer-Encoding: chunked\r\n\r\n",
     SS_HTTP_CHUNKED},
    {&old, OK "Transfer-Encoding: chunked\r\n\r\n", OK CLOSE "\r\n", SS_HTTP_CHUNKED},
    {&now, OK "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\n",
     OK "Content-Length: 1\r\n\r\n", SS_HTTP_LENGTH},
    /* chunks win over a length, which is not passed on */
    {&now, OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     OK "Transfer-Encoding: chunked\r\n\r\n", SS_HTTP_CHUNKED},
    /* the same length twice is one */
    {&now, OK "Content-Length: 5\r\nContent-Length: 5, 5\r\n\r\n", OK "Content-Length: 5\r\n\r\n",
     SS_HTTP_LENGTH},
    /* what is about one connection ends here */
    {&now, OK "Connection: X-A, close\r\nX-A: 1\r\nKeep-Alive: 5\r\nB: c\r\n\r\n",
     OK "B: c\r\n\r\n", SS_HTTP_UNTIL_END},
    {&now, OK "Proxy-Connection: close\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\n\r\n",
     OK "\r\n", SS_HTTP_UNTIL_END},
    /* old servers */
    {&now, "HTTP/1.0 200 OK\nA: b\nContent-Length: 2\n\n", OK "A: b\r\nContent-Length: 2\r\n\r\n",
     SS_HTTP_LENGTH},
    {&now, OK "A : b\r\n\r\n", OK "A: b\r\n\r\n", SS_HTTP_UNTIL_END},
    {&now, OK "A: b\r\n c\r\n\r\n", OK "A: b   c\r\n\r\n", SS_HTTP_UNTIL_END},
    /* no body */
    {&now, "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n",
     SS_HTTP_NO_BODY},
    {&now, "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", SS_HTTP_NO_BODY},
    {&closing, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", SS_HTTP_NO_BODY},
    {&closing, "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\nA: b\r\n\r\n",
     "HTTP/1.1 101 S\r\nA: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
     SS_HTTP_NO_BODY},
};

static void a_response_reaches_its_client_as_the_rules_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        struct ss_http_response r;
        char out[ROOM];
        size_t len = strlen(passed[i].said);
        assert_int_equal(ss_http_response_read(&r, (const uint8_t *)passed[i].said, len), 0);
        assert_int_equal(ss_http_response_framing(&r, false), passed[i].framing);
        assert_int_equal(ss_http_response_framing(&r, true), SS_HTTP_NO_BODY);
        size_t n = ss_http_response_write(&r, passed[i].client, out, ss_http_response_room(len));
        out[n] = '\0';
        assert_string_equal(out, passed[i].sent);
    }
}

static void what_is_no_response_is_not_passed_on(void **state)
{
    static const char *const none[] = {
        "ICY 200 OK\r\n\r\n",
        "200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n",
        OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        OK "Content-Length: 5, 6\r\n\r\n",
        OK "Content-Length: x\r\n\r\n",
        OK "Transfer-Encoding: gzip\r\n\r\n",
        OK "no field\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct ss_http_response r;
        assert_int_equal(ss_http_response_read(&r, (const uint8_t *)none[i], strlen(none[i])), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_reaches_its_client_as_the_rules_say),
        cmocka_unit_test(what_is_no_response_is_not_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
