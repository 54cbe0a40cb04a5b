/* SPDX-License-Identifier: Apache-2.0 */
#include "end.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define HOST "Host: ex.test\r\n"
#define END "\r\n"
#define GET "GET /tunnel HTTP/1.1\r\n"
#define GOOD GET HOST UPGRADE KEY VERSION END
#define SECRET "path=/tunnel;host=ex.test"
#define SWITCHES "HTTP/1.1 101 Switching Protocols\r\n"
/* They prove the key in RFC 6455, and one of zeros. */
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define ACCEPT_ZEROS "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n"
#define ACCEPT_LOWER "Sec-WebSocket-Accept: icx+yqv66kxgm0fcwalwlflwtai=\r\n"

/* One answer of a server to this, whole or cut anywhere. */
static void answers(const char *options, const char *request, const char *answer, const char *plain)
{
    size_t len = strlen(request), n;
    for (size_t cut = 0; cut <= len; cut++) {
        struct end end;
        end_begin(&end, SSP_SERVER, options);
        (void)end_feed(&end, request, cut, 0);
        (void)end_feed(&end, request + cut, len - cut, 0);
        const uint8_t *said = ssp_drive_output(end.drive, SSP_WRAP, &n);
        assert_int_equal(n, strlen(answer));
        assert_memory_equal(said, answer, n);
        said = end_plain(&end, &n);
        assert_int_equal(n, strlen(plain));
        assert_memory_equal(said, plain, n);
        end_close(&end);
    }
}

static ssp_verdict judged(const char *options, const char *request)
{
    struct end end;
    end_begin(&end, SSP_SERVER, options);
    ssp_verdict verdict = end_feed(&end, request, strlen(request), 1);
    end_close(&end);
    return verdict;
}

static void the_answer_is_that_of_v2ray_plugin(void **state)
{
    (void)state;
    answers(SECRET, GOOD, SWITCHES UPGRADE ACCEPT END, "");
    answers("mode=httpupgrade;" SECRET, GET HOST UPGRADE END, SWITCHES UPGRADE END, "");
    answers("mode=httpupgrade;" SECRET, GET HOST UPGRADE END "ahead", SWITCHES UPGRADE END,
            "ahead");
}

static void half_close_is_agreed_on(void **state)
{
    static const char extension[] = "Sec-WebSocket-Extensions: half-close\r\n";
    (void)state;
    char request[512], answer[512];
    (void)snprintf(request, sizeof request, GET HOST UPGRADE KEY VERSION "%s" END, extension);
    (void)snprintf(answer, sizeof answer, SWITCHES UPGRADE ACCEPT "%s" END, extension);
    answers(SECRET, request, answer, "");
    answers(SECRET ";half-close=no", request, SWITCHES UPGRADE ACCEPT END, "");
}

/* Either alphabet, with padding or without; what is no base64 is a subprotocol of someone else. */
static void early_data_begin_the_stream_and_come_back(void **state)
{
    static const char *const texts[] = {"aGVsbG8", "aGVsbG8="};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char request[512], answer[512];
        (void)snprintf(request, sizeof request,
                       GET HOST UPGRADE KEY "Sec-WebSocket-Protocol: %s\r\n" VERSION END, texts[i]);
        (void)snprintf(answer, sizeof answer,
                       SWITCHES UPGRADE ACCEPT "Sec-WebSocket-Protocol: %s\r\n" END, texts[i]);
        answers(SECRET, request, answer, "hello");
    }
    answers(SECRET, GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a, b\r\n" END,
            SWITCHES UPGRADE ACCEPT END, "");
}

static void requests_differ_as_clients_do(void **state)
{
    static const char *const good[] = {
        "GET /tunnel?x=1 HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        "GET /%74unnel HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        GET "host: EX.TEST:8388\r\n" UPGRADE KEY VERSION END,
        GET HOST "connection: keep-alive, upgrade\r\nupgrade: WebSocket\r\n" KEY VERSION END,
        GET HOST
        "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY VERSION
        "Other:\r\n" END,
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(judged(SECRET, good[i]), SSP_MORE);
    assert_int_equal(judged("path=tunnel", GOOD), SSP_MORE);
    assert_int_equal(judged("path=/tunnel?ed=2048", GOOD), SSP_MORE);
}

static void all_others_are_foreign(void **state)
{
    static const char *const strange[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "POST",
        "GET /tunnel HTTP/1.0\r\n",
        "GET /tunnel http/1.1\r\n",
        "GET /tunnel\r\n",
        "GET tunnel HTTP/1.1\r\n",
        "GET /tunnel HTTP/1.1\n",
        GET "Host: \1\r\n",
        GET "Host: a\rb",
        "GET / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        "GET /tunnel/ HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        "GET /tunne HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        "GET /TUNNEL HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        "GET /%zzunnel HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        GET "Host: other.test\r\n" UPGRADE KEY VERSION END,
        GET "Host: ex.test.\r\n" UPGRADE KEY VERSION END,
        GET UPGRADE KEY VERSION END,
        GET HOST KEY VERSION END,
        GET HOST "Connection: Upgrade\r\n" KEY VERSION END,
        GET HOST UPGRADE VERSION END,
        GET HOST UPGRADE "Sec-WebSocket-Key: short\r\n" VERSION END,
        GET HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ!!\r\n" VERSION END,
        GET HOST UPGRADE KEY END,
        GET HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" END,
    };
    (void)state;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        assert_int_equal(judged(SECRET, strange[i]), SSP_FOREIGN);
}

/* The secret may not be found by time: no byte before the last one tells a right path or host. */
static void path_and_host_count_at_the_end_of_the_head(void **state)
{
    static const char *const heads[] = {
        GOOD,
        "GET /other HTTP/1.1\r\n" HOST UPGRADE KEY VERSION END,
        GET "Host: other\r\n" UPGRADE KEY VERSION END,
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct end end;
        end_begin(&end, SSP_SERVER, SECRET);
        assert_int_equal(end_feed(&end, heads[i], strlen(heads[i]) - 1, 1), SSP_MORE);
        end_close(&end);
    }
}

static void an_endless_head_is_foreign(void **state)
{
    (void)state;
    static char head[8192];
    struct end end;
    memset(head, 'x', sizeof head);
    memcpy(head, GET, sizeof GET - 1);
    end_begin(&end, SSP_SERVER, SECRET);
    assert_int_equal(end_feed(&end, head, sizeof head - 1, 0), SSP_MORE);
    assert_int_equal(end_feed(&end, "x", 1, 0), SSP_FOREIGN);
    end_close(&end);
}

/* ---- the client ---- */

static void asks(const char *options, const char *payload, const char *request)
{
    struct end end;
    size_t n;
    end_begin(&end, SSP_CLIENT, options);
    (void)ssp_drive_feed(end.drive, SSP_WRAP, payload, strlen(payload), 0);
    const uint8_t *said = ssp_drive_output(end.drive, SSP_WRAP, &n);
    assert_int_equal(n, strlen(request));
    assert_memory_equal(said, request, n);
    end_close(&end);
}

#define AGENT "User-Agent: Go-http-client/1.1\r\n"
#define ZEROS "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
#define TAIL VERSION "Upgrade: websocket\r\n" END

static void the_request_is_that_of_v2ray_plugin(void **state)
{
    static const char last[] = AGENT "Connection: Upgrade\r\n" ZEROS TAIL;
    (void)state;
    char text[512];
    (void)snprintf(text, sizeof text, GET HOST "%s", last);
    asks(SECRET ";half-close=no", "x", text);
    asks("path=tunnel;host=ex.test;half-close=no", "", text);
    (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: cloudfront.com\r\n%s", last);
    asks("half-close=no", "x", text);
    (void)snprintf(text, sizeof text, "GET /a?b=c HTTP/1.1\r\n" HOST "%s", last);
    asks("path=/a?b=c;host=ex.test;half-close=no", "x", text);
}

static void the_query_of_early_data_is_not_sent(void **state)
{
    (void)state;
    asks("path=/tunnel?ed=5;host=ex.test;half-close=no", "hello",
         GET HOST AGENT "Connection: Upgrade\r\n" ZEROS "Sec-WebSocket-Protocol: aGVsbG8\r\n" TAIL);
    asks("path=/tunnel?ed=4;host=ex.test;half-close=no", "hello",
         GET HOST AGENT "Connection: Upgrade\r\n" ZEROS TAIL);
    asks("path=/tunnel?a=1&ed=9&b=2;host=ex.test;half-close=no", "hello",
         "GET /tunnel?a=1&b=2 HTTP/1.1\r\n" HOST AGENT "Connection: Upgrade\r\n" ZEROS
         "Sec-WebSocket-Protocol: aGVsbG8\r\n" TAIL);
}

static const char *refused(const char *options, const char *answer)
{
    static char why[256];
    struct end end;
    end_begin(&end, SSP_CLIENT, options);
    (void)ssp_drive_feed(end.drive, SSP_WRAP, "x", 1, 0);
    ssp_verdict verdict = end_feed(&end, answer, strlen(answer), 1);
    (void)snprintf(why, sizeof why, "%s", verdict == SSP_FAIL ? ssp_drive_why(end.drive) : "");
    end_close(&end);
    return why;
}

static void an_answer_is_checked(void **state)
{
    (void)state;
    assert_string_equal(refused(NULL, SWITCHES UPGRADE ACCEPT_ZEROS END), "");
    assert_string_equal(refused("mode=httpupgrade", SWITCHES UPGRADE END), "");
    assert_non_null(strstr(refused(NULL, "HTTP/1.1 404 Not Found\r\n\r\n"),
                           "answers \"HTTP/1.1 404 Not Found\"; path= and host= must be"));
    assert_non_null(strstr(refused(NULL, "SSH-2.0-x\r\n\r\n"), "answers \"SSH-2.0-x\""));
    assert_non_null(strstr(refused(NULL, SWITCHES END), "no server of this plugin"));
    assert_non_null(strstr(refused(NULL, SWITCHES UPGRADE ACCEPT END), "mode=httpupgrade"));
    assert_non_null(strstr(refused(NULL, SWITCHES UPGRADE END), "mode=httpupgrade"));
    /* base64 has two cases of each letter */
    assert_non_null(strstr(refused(NULL, SWITCHES UPGRADE ACCEPT_LOWER END), "mode=httpupgrade"));
}

static void bad(ssp_role role, const char *options, const char *text)
{
    char why[256] = "";
    assert_null(ssp_conf_new(&ws_wrap, role, options, why, sizeof why));
    assert_non_null(strstr(why, text));
}

static void options_are_refused_with_a_remedy(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ssp_role role = i == 0 ? SSP_CLIENT : SSP_SERVER;
        bad(role, "mode=quic", "websocket|httpupgrade");
        bad(role, "path=/a b", "option path: has a blank");
        bad(role, "host=", "option host");
        bad(role, "mode=httpupgrade;ping=30", "options mode and ping");
        bad(role, "mode=httpupgrade;half-close=yes", "options mode and half-close");
    }
    bad(SSP_SERVER, "mux=8", "in a chain it is 0");
    bad(SSP_SERVER, "mux=auto", "in a chain it is 0");
    bad(SSP_CLIENT, "mux=8", "in a chain it is 0");
    bad(SSP_SERVER, "cert=/c.pem", "options cert and tls");
    bad(SSP_SERVER, "key=/k.pem", "options key and tls");
    bad(SSP_CLIENT, "tls", "in a chain tls-wrap is the next stage");
    bad(SSP_CLIENT, "path=/?ed=x", "?ed=2048");
    bad(SSP_CLIENT, "path=/?ed=", "?ed=2048");
    bad(SSP_CLIENT, "path=/?ed=2048;mode=httpupgrade", "options mode and path");
}

/* In the program itself. */
static const char *multiplexing(ssp_role role, const char *sessions)
{
    static char why[256];
    struct ws_conf conf = {.sessions = sessions, .path = "/", .user_agent = "x"};
    const ssp_env env = {.role = role};
    why[0] = '\0';
    if (ws_wrap_setup_in_layers(&conf, &env, why, sizeof why) == 0)
        (void)snprintf(why, sizeof why, "%d%s", conf.mux,
                       ws_wrap.carrier(&conf) != NULL ? " found" : "");
    return why;
}

static void a_server_finds_out_who_multiplexes(void **state)
{
    (void)state;
    assert_string_equal(multiplexing(SSP_SERVER, NULL), "-1 found");
    assert_string_equal(multiplexing(SSP_SERVER, "auto"), "-1 found");
    assert_string_equal(multiplexing(SSP_SERVER, "0"), "0");
    assert_string_equal(multiplexing(SSP_SERVER, "8"), "8");
    assert_string_equal(multiplexing(SSP_CLIENT, NULL), "0");
    assert_string_equal(multiplexing(SSP_CLIENT, "1024"), "1024");
    assert_non_null(strstr(multiplexing(SSP_CLIENT, "auto"), "a client needs a number"));
    assert_non_null(strstr(multiplexing(SSP_CLIENT, "1025"), "0 to 1024"));
    assert_non_null(strstr(multiplexing(SSP_SERVER, "yes"), "neither auto nor a number"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_that_of_v2ray_plugin),
        cmocka_unit_test(half_close_is_agreed_on),
        cmocka_unit_test(early_data_begin_the_stream_and_come_back),
        cmocka_unit_test(requests_differ_as_clients_do),
        cmocka_unit_test(all_others_are_foreign),
        cmocka_unit_test(path_and_host_count_at_the_end_of_the_head),
        cmocka_unit_test(an_endless_head_is_foreign),
        cmocka_unit_test(the_request_is_that_of_v2ray_plugin),
        cmocka_unit_test(the_query_of_early_data_is_not_sent),
        cmocka_unit_test(an_answer_is_checked),
        cmocka_unit_test(options_are_refused_with_a_remedy),
        cmocka_unit_test(a_server_finds_out_who_multiplexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
