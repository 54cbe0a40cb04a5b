/* SPDX-License-Identifier: Apache-2.0 */
/* The front of one port, between a client and targets: for every split of what each says. */
#include "exchange.h"
#include "http/door.h"
#include "proto/entrance.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

/* Turns: what the client says (up), what the target says (down), how it ends. */
struct turn {
    const char *up, *down;
    enum { STAYS, ENDS, BREAKS, UNREACHED, LATE } end;
};

struct scene {
    const char *name;
    struct turn turn[4];
    const char *target,
        *client; /* what each has got in the end; a client's ends with * : begins so */
    unsigned dials;
    bool over, cut;
};

#define REQUEST(host, path) "GET http://" host path " HTTP/1.1\r\n\r\n"
#define GOT(host, path) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define BYE OK "Connection: close\r\nContent-Length: 5\r\n\r\nhello"
#define HELLO OK "Content-Length: 5\r\n\r\nhello"

static const struct scene scenes[] = {
    {"one request", {{REQUEST("a", "/"), HELLO, STAYS}}, GOT("a", "/"), HELLO, 1, false, false},
    {"keep-alive to one host",
     {{REQUEST("a", "/1"), HELLO, STAYS}, {REQUEST("a", "/2"), HELLO, STAYS}},
     GOT("a", "/1") GOT("a", "/2"),
     HELLO HELLO,
     1,
     false,
     false},
    {"pipelined to two hosts; the first closes behind its first answer",
     {{REQUEST("a", "/1") REQUEST("a", "/2") REQUEST("b", "/"), BYE, ENDS},
      {"", HELLO, STAYS},
      {"", HELLO, STAYS}},
     GOT("a", "/1") GOT("a", "/2") GOT("b", "/"),
     HELLO HELLO HELLO,
     3,
     false,
     false},
    {"a response that announces the end of its connection",
     {{REQUEST("a", "/1"), OK "Connection: close\r\nContent-Length: 0\r\n\r\n", STAYS},
      {REQUEST("a", "/2"), HELLO, STAYS}},
     GOT("a", "/1") GOT("a", "/2"),
     OK "Content-Length: 0\r\n\r\n" HELLO,
     2,
     false,
     false},
    {"empty lines between requests",
     {{REQUEST("a", "/1") "\r\n\r\n" REQUEST("a", "/2"), HELLO, STAYS}, {"", HELLO, STAYS}},
     GOT("a", "/1") GOT("a", "/2"),
     HELLO HELLO,
     1,
     false,
     false},
    {"a body, and the next request behind it",
     {{"POST http://a/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" REQUEST("a", "/2"), HELLO, STAYS},
      {"", HELLO, STAYS}},
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GOT("a", "/2"),
     HELLO HELLO,
     1,
     false,
     false},
    {"a chunked body with trailers, and a chunked answer",
     {{"POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
       "3\r\nabc\r\n0\r\nT: u\r\n\r\n",
       OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", STAYS}},
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\n0\r\nT: u\r\n\r\n",
     OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
     1,
     false,
     false},
    {"an old client gets no chunks",
     {{"GET http://a/ HTTP/1.0\r\n\r\n",
       OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", STAYS}},
     GOT("a", "/"),
     OK "Connection: close\r\n\r\nhi!",
     1,
     true,
     false},
    {"an old client that stays",
     {{"GET http://a/ HTTP/1.0\r\nProxy-Connection: Keep-Alive\r\n\r\n", HELLO, STAYS}},
     GOT("a", "/"),
     OK "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
     1,
     false,
     false},
    {"a client that closes",
     {{"GET http://a/ HTTP/1.1\r\nConnection: close\r\n\r\n", HELLO, STAYS}},
     GOT("a", "/"),
     OK "Content-Length: 5\r\nConnection: close\r\n\r\nhello",
     1,
     true,
     false},
    {"an answer until the end",
     {{REQUEST("a", "/"), OK "\r\nall", ENDS}},
     GOT("a", "/"),
     OK "Connection: close\r\n\r\nall",
     1,
     true,
     false},
    {"HEAD, 204 and 304 have no body",
     {{"HEAD http://a/ HTTP/1.1\r\n\r\n", OK "Content-Length: 5\r\n\r\n", STAYS},
      {REQUEST("a", "/2"), "HTTP/1.1 204 No\r\n\r\n", STAYS},
      {REQUEST("a", "/3"), "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", STAYS},
      {REQUEST("a", "/4"), HELLO, STAYS}},
     "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" GOT("a", "/2") GOT("a", "/3") GOT("a", "/4"),
     OK "Content-Length: 5\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\nContent-Length: "
        "5\r\n\r\n" HELLO,
     1,
     false,
     false},
    {"100 (Continue), then the body",
     {{"POST http://a/ HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
       "HTTP/1.1 100 Continue\r\n\r\n", STAYS},
      {"ab", HELLO, STAYS}},
     "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
     "HTTP/1.1 100 Continue\r\n\r\n" HELLO,
     1,
     false,
     false},
    {"an answer in place of 100 ends the connection, since the body may come or not",
     {{"POST http://a/ HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
       "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", STAYS}},
     "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
     "HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
     1,
     true,
     false},
    {"an old client gets no interim answers",
     {{"GET http://a/ HTTP/1.0\r\n\r\n",
       "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n" HELLO, STAYS}},
     GOT("a", "/"),
     OK "Content-Length: 5\r\nConnection: close\r\n\r\nhello",
     1,
     true,
     false},
    {"early hints reach others",
     {{REQUEST("a", "/"), "HTTP/1.1 103 E\r\nLink: x\r\n\r\n" HELLO, STAYS}},
     GOT("a", "/"),
     "HTTP/1.1 103 E\r\nLink: x\r\n\r\n" HELLO,
     1,
     false,
     false},
    {"websocket",
     {{"GET http://a/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
       "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nfirst", STAYS},
      {"second", "third", STAYS}},
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsecond",
     "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirstthird",
     1,
     false,
     false},
    {"a request with a body asks for no websocket: the body is no next request",
     {{"POST http://a/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
       "Content-Length: 26\r\n\r\n" REQUEST("b", "/"),
       HELLO, STAYS}},
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 26\r\n\r\n" REQUEST("b", "/"),
     HELLO,
     1,
     false,
     false},
    {"a tunnel, bytes behind its head, Content-Length that is none",
     {{"CONNECT a:443 HTTP/1.0\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", "", STAYS},
      {"more", "answer", STAYS}},
     "hellomore",
     ESTABLISHED "answer",
     1,
     false,
     false},
    {"a target that speaks first",
     {{"CONNECT [::1]:22 HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", STAYS}},
     "",
     ESTABLISHED "SSH-2.0-x\r\n",
     1,
     false,
     false},
    {"a tunnel behind requests",
     {{REQUEST("a", "/"), HELLO, STAYS}, {"CONNECT a:80 HTTP/1.1\r\n\r\nX", "", STAYS}},
     GOT("a", "/") "X",
     HELLO ESTABLISHED,
     2,
     false,
     false},
    {"a tunnel that does not come about: bytes for it are no requests",
     {{"CONNECT a:443 HTTP/1.1\r\n\r\n" REQUEST("b", "/"), "", UNREACHED},
      {REQUEST("b", "/"), "", STAYS}},
     "",
     "HTTP/1.1 502 Bad Gateway\r\n*",
     1,
     true,
     false},
    {"a target that is not reached",
     {{REQUEST("a", "/"), "", UNREACHED}},
     GOT("a", "/"),
     "HTTP/1.1 502 Bad Gateway\r\n*",
     1,
     false,
     false},
    {"a target that takes too long",
     {{REQUEST("a", "/"), "", LATE}},
     GOT("a", "/"),
     "HTTP/1.1 504 Gateway Timeout\r\n*",
     1,
     false,
     false},
    {"a target that ends before its answer",
     {{REQUEST("a", "/"), "", ENDS}},
     GOT("a", "/"),
     "HTTP/1.1 502 Bad Gateway\r\n*",
     1,
     false,
     false},
    {"a target that ends in the head of its answer",
     {{REQUEST("a", "/"), OK "Content-Len", ENDS}},
     GOT("a", "/"),
     "HTTP/1.1 502 Bad Gateway\r\n*",
     1,
     false,
     false},
    {"a target that does not speak HTTP",
     {{REQUEST("a", "/"), "SSH-2.0-x\r\n\r\n", STAYS}},
     GOT("a", "/"),
     "HTTP/1.1 502 Bad Gateway\r\n*",
     1,
     false,
     false},
    {"an answer that is cut short is no whole one",
     {{REQUEST("a", "/"), OK "Content-Length: 5\r\n\r\nhel", ENDS}},
     GOT("a", "/"),
     OK "Content-Length: 5\r\n\r\nhel",
     1,
     true,
     true},
    {"nor is one until the end that is lost",
     {{REQUEST("a", "/"), OK "\r\nhel", BREAKS}},
     GOT("a", "/"),
     OK "Connection: close\r\n\r\nhel",
     1,
     true,
     true},
    {"nor one whose chunks are cut, or broken",
     {{REQUEST("a", "/"), OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhe", ENDS}},
     GOT("a", "/"),
     OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhe",
     1,
     true,
     true},
    {"a connection that had closed when the next request came: the client sees the same",
     {{REQUEST("a", "/1"), HELLO, STAYS}, {REQUEST("a", "/2"), "", BREAKS}},
     GOT("a", "/1") GOT("a", "/2"),
     HELLO,
     1,
     true,
     false},
    {"an idle target that says more, or ends, is left",
     {{REQUEST("a", "/1"), HELLO "HTTP/1.1 408 Timeout\r\n\r\n", STAYS},
      {REQUEST("a", "/2"), HELLO, STAYS}},
     GOT("a", "/1") GOT("a", "/2"),
     HELLO HELLO,
     2,
     false,
     false},
    {"a bad request behind a good one",
     {{REQUEST("a", "/1"), HELLO, STAYS},
      {"GET http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "", STAYS}},
     GOT("a", "/1"),
     HELLO "HTTP/1.1 400 Bad Request\r\n*",
     1,
     true,
     false},
    {"a bare LF, at once",
     {{"GET http://a/ HTTP/1.1\n", "", STAYS}},
     "",
     "HTTP/1.1 400 Bad Request\r\n*",
     0,
     true,
     true},
    {"a name that is none",
     {{REQUEST("a%20b", "/"), "", STAYS}},
     "",
     "HTTP/1.1 400 Bad Request\r\n*",
     0,
     true,
     true},
    {"a page that there is not",
     {{"GET /x HTTP/1.1\r\n\r\n" REQUEST("a", "/"), HELLO, STAYS}},
     GOT("a", "/"),
     "HTTP/1.1 404 Not Found\r\n*",
     1,
     false,
     false},
    {"https in absolute form",
     {{"GET https://a/ HTTP/1.1\r\n\r\n", "", STAYS}},
     "",
     "HTTP/1.1 501 Not Implemented\r\n*",
     0,
     true,
     true},
};

static const enum ssp__reach reaches[] = {
    [STAYS] = SSP_REACHED,         [ENDS] = SSP_REACHED,   [BREAKS] = SSP_LOST,
    [UNREACHED] = SSP_UNREACHABLE, [LATE] = SSP_TIMED_OUT,
};

static void expect(const char *name, const struct ssp__bytes *got, const char *text)
{
    size_t n = strlen(text), len = ssp__bytes_len(got);
    bool begins = n > 0 && text[n - 1] == '*';
    n -= begins;
    if (begins ? len < n : len != n)
        fail_msg("%s: got %zu bytes: %.*s", name, len, (int)len,
                 len > 0 ? (const char *)ssp__bytes_data(got) : "");
    if (n > 0 && memcmp(ssp__bytes_data(got), text, n) != 0)
        fail_msg("%s: got %.*s", name, (int)len, (const char *)ssp__bytes_data(got));
}

/* Each says what it says in two parts. */
static void play(const struct scene *scene, size_t cut)
{
    struct exchange x;
    exchange_begin(&x, &ss_door_front, NULL);
    for (size_t i = 0; i < 4 && scene->turn[i].up != NULL; i++) {
        const struct turn *t = &scene->turn[i];
        size_t up = strlen(t->up), down = strlen(t->down);
        size_t first = cut < up ? cut : up;
        bool end = t->end != STAYS;
        exchange_say(&x, t->up, first, false);
        exchange_say(&x, t->up + first, up - first, false);
        first = cut < down ? cut : down;
        unsigned dials = x.dials;
        if (t->end != UNREACHED && t->end != LATE)
            exchange_answer(&x, t->down, first, false, SSP_REACHED);
        if (x.dials == dials && (first < down || end))
            exchange_answer(&x, t->down + first, down - first, end, reaches[t->end]);
    }
    assert_null(x.front.pump.rule);
    assert_null(x.front.answer.rule);
    expect(scene->name, &x.target, scene->target);
    expect(scene->name, &x.client, scene->client);
    if (x.dials != scene->dials || x.over != scene->over || x.cut != scene->cut)
        fail_msg("%s, cut at %zu: %u dials, over %d, cut %d", scene->name, cut, x.dials, x.over,
                 x.cut);
    exchange_end(&x);
}

static void every_scene_is_the_same_for_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        for (size_t cut = 0; cut < 128; cut++)
            play(&scenes[i], cut);
    }
}

/* ---- users ---- */

static struct ss_account accounts[] = {{"user", "pass:word"}, {"empty", ""}};
static const struct ss_entrance guarded = {.accounts = {accounts, 2}};

static void expect_status(const char *said, const char *status, unsigned dials)
{
    struct exchange x;
    exchange_begin(&x, &ss_door_front, &guarded);
    exchange_say(&x, said, strlen(said), false);
    expect(said, &x.client, status);
    assert_int_equal(x.dials, dials);
    exchange_end(&x);
}

#define ASK(credentials) "CONNECT a:443 HTTP/1.1\r\nPROXY-authorization: " credentials "\r\n\r\n"

static void a_proxy_with_users_asks_for_one(void **state)
{
    static const char required[] = "HTTP/1.1 407 Proxy Authentication Required\r\n*";
    (void)state;
    expect_status(REQUEST("a", "/"), required, 0);
    expect_status(ASK("Basic dXNlcjp3cm9uZw=="), required, 0); /* user:wrong */
    expect_status(ASK("Basic dXNlcg=="), required, 0);         /* user */
    expect_status(ASK("Basic bm9ib2R5OnBhc3M6d29yZA=="), required, 0);
    expect_status(ASK("Digest dXNlcjpwYXNzOndvcmQ="), required, 0);
    expect_status(ASK("Basic !"), required, 0);
    expect_status(ASK("Basic dXNlcjpwYXNzOndvcmQ="), "", 1); /* user:pass:word */
    expect_status(ASK("basic dXNlcjpwYXNzOndvcmQ"), "", 1);  /* without padding */
    expect_status(ASK("BASIC ZW1wdHk6"), "", 1);             /* empty: */
}

/* As curl --proxy-anyauth and Java's HttpClient do it; the body of the first is dropped. */
static void the_connection_goes_on_behind_407(void **state)
{
    static const char said[] =
        "POST http://a/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
        "GET http://a/ HTTP/1.1\r\nProxy-Authorization: Basic ZW1wdHk6\r\n\r\n";
    (void)state;
    for (size_t cut = 0; cut < sizeof said - 1; cut++) {
        struct exchange x;
        exchange_begin(&x, &ss_door_front, &guarded);
        exchange_say(&x, said, cut, false);
        exchange_say(&x, said + cut, sizeof said - 1 - cut, false);
        expect("407", &x.target, GOT("a", "/"));
        assert_false(x.over);
        exchange_end(&x);
    }
}

static void bytes_for_a_tunnel_that_is_refused_are_no_requests(void **state)
{
    static const char said[] =
        ASK("Basic !") "GET http://a/ HTTP/1.1\r\nProxy-Authorization: Basic ZW1wdHk6\r\n\r\n";
    (void)state;
    for (size_t cut = 0; cut < sizeof said - 1; cut++) {
        struct exchange x;
        exchange_begin(&x, &ss_door_front, &guarded);
        exchange_say(&x, said, cut, false);
        exchange_say(&x, said + cut, sizeof said - 1 - cut, false);
        assert_int_equal(x.dials, 0);
        assert_true(x.over && !x.cut);
        exchange_end(&x);
    }
}

/* "head" is another method: what follows its answer would be taken for the next one. */
static void a_page_for_head_alone_has_no_body(void **state)
{
    static const char *const said[] = {"HEAD http://a/ HTTP/1.1\r\n\r\n",
                                       "head http://a/ HTTP/1.1\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct exchange x;
        exchange_begin(&x, &ss_door_front, &guarded);
        exchange_say(&x, said[i], strlen(said[i]), false);
        const char *end = i == 0 ? "\r\n\r\n" : "</html>\n";
        size_t n = strlen(end), len = ssp__bytes_len(&x.client);
        assert_memory_equal(ssp__bytes_data(&x.client) + len - n, end, n);
        exchange_end(&x);
    }
}

/* ---- the ends of a client ---- */

static void a_client_that_ends_gets_its_answer_first(void **state)
{
    struct exchange x;
    (void)state;
    exchange_begin(&x, &ss_door_front, NULL);
    exchange_say(&x, REQUEST("a", "/"), sizeof(REQUEST("a", "/")) - 1, true);
    assert_false(x.over);
    exchange_answer(&x, HELLO, sizeof HELLO - 1, false, SSP_REACHED);
    expect("half-closed", &x.client, HELLO);
    assert_true(x.over && !x.cut);
    exchange_end(&x);
}

static void broken_chunks_are_refused_as_long_as_there_is_no_answer(void **state)
{
    static const char said[] = "POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n3;\nx\r\nabc\r\n";
    (void)state;
    for (size_t cut = 0; cut < sizeof said - 1; cut++) {
        struct exchange x;
        exchange_begin(&x, &ss_door_front, NULL);
        exchange_say(&x, said, cut, false);
        exchange_say(&x, said + cut, sizeof said - 1 - cut, false);
        expect("broken chunks", &x.client, "HTTP/1.1 400 Bad Request\r\n*");
        assert_true(x.cut);
        exchange_end(&x);
    }
}

/* The plan may have no way to a target before its request is read. */
static void the_page_of_a_target_without_a_way_comes_when_its_request_is_read(void **state)
{
    static const char first[] = REQUEST("a", "/"), second[] = REQUEST("b", "/");
    struct exchange x;
    (void)state;
    exchange_begin(&x, &ss_door_front, NULL);
    exchange_say(&x, first, sizeof first - 1, false);
    exchange_answer(&x, HELLO, sizeof HELLO - 1, false, SSP_REACHED);
    exchange_append(&x.front.pump.in, second, sizeof second - 1);
    exchange_up(&x);
    assert_true(x.front.target.replaced);
    ssp__front_pump_renew(&x.front, NULL);
    exchange_answer(&x, "", 0, true, SSP_UNREACHABLE);
    expect("no way", &x.client, HELLO "HTTP/1.1 502 Bad Gateway\r\n*");
    assert_false(x.over);
    exchange_say(&x, first, sizeof first - 1, false);
    expect("no way", &x.target, GOT("a", "/") GOT("a", "/"));
    exchange_end(&x);
}

/* The byte that decides. */
static void the_first_byte_decides(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        struct exchange x;
        uint8_t byte = (uint8_t)c;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        exchange_begin(&x, &ss_door_front, NULL);
        exchange_say(&x, &byte, 1, false);
        assert_int_equal(x.over, !letter && c != 4 && c != 5);
        assert_int_equal(ssp__bytes_len(&x.client), 0);
        exchange_end(&x);
    }
}

/* An idle client has it, and a kibibyte of the engine beside it. */
static void the_state_of_a_client_stays_small(void **state)
{
    (void)state;
    assert_true(ss_door_front.state_size <= 104);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scene_is_the_same_for_every_split),
        cmocka_unit_test(a_proxy_with_users_asks_for_one),
        cmocka_unit_test(the_connection_goes_on_behind_407),
        cmocka_unit_test(bytes_for_a_tunnel_that_is_refused_are_no_requests),
        cmocka_unit_test(a_page_for_head_alone_has_no_body),
        cmocka_unit_test(a_client_that_ends_gets_its_answer_first),
        cmocka_unit_test(broken_chunks_are_refused_as_long_as_there_is_no_answer),
        cmocka_unit_test(the_page_of_a_target_without_a_way_comes_when_its_request_is_read),
        cmocka_unit_test(the_first_byte_decides),
        cmocka_unit_test(the_state_of_a_client_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
