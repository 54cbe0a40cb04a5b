/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions whose front rewrites what it reads: once, or as long as the client speaks. */
#include "proxy_front.h"
#include "request_front.h"
#include "session_rig.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 256 };

static const struct request_conf once, always = {.stays = true};

/* Where the front says; a target header goes first, if it says one. */
static bool to_target(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    (void)arg;
    plan->endpoint = &query->target->endpoint;
    plan->endpoints = 1;
    plan->say_target = query->target->header_len > 0;
    return query->failed == 0;
}

static void open_proxy(struct rig *r, const ssp_codec *codec, const struct request_conf *conf)
{
    rig_open(r, codec, SSP_DIALED);
    r->service.front = &request_front;
    r->service.front_conf = conf;
    r->service.plan = to_target;
    r->service.limits.hold_ms = LONG_MS;
}

static const char *request(const struct rig *r, const char *path)
{
    static char text[REQUEST_MAX];
    (void)snprintf(text, sizeof text, "GET http://127.0.0.1:%u/%s HTTP/1.1\r\nHost: x\r\n\r\n",
                   (unsigned)r->endpoint.port, path);
    return text;
}

#define REWRITTEN(path) "GET /" path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void a_front_that_is_done_leaves_the_rest_as_it_is(void **state)
{
    (void)state;
    struct rig r;
    open_proxy(&r, &clear_codec, &once);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, request(&r, "a"));
    send_text(client, "body");
    int target = accept_from(r.target_fd);
    expect_text(target, REWRITTEN("a") "body");
    send_text(client, request(&r, "b"));
    expect_text(target, request(&r, "b"));
    send_text(target, "answer");
    expect_text(client, "answer");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* The sort codec writes '>' first and wants a '+': it sees what the front has emitted. */
static void a_front_that_stays_rewrites_every_request(void **state)
{
    char two[2 * REQUEST_MAX];
    (void)state;
    struct rig r;
    open_proxy(&r, &sort_codec, &always);
    rig_start(&r);
    int client = connect_to(r.port);
    int n = snprintf(two, sizeof two, "%s", request(&r, "a"));
    (void)snprintf(two + n, sizeof two - (size_t)n, "%s", request(&r, "b"));
    send_text(client, two);
    int target = accept_from(r.target_fd);
    expect_text(target, ">" REWRITTEN("a") REWRITTEN("b"));
    send_text(target, "+one");
    expect_text(client, "one");
    for (const char *p = request(&r, "c"); *p != '\0'; p++)
        assert_int_equal(send(client, p, 1, MSG_NOSIGNAL), 1);
    expect_text(target, REWRITTEN("c"));
    (void)shutdown(client, SHUT_WR);
    expect_end(target);
    send_text(target, "two");
    expect_text(client, "two");
    (void)close(target);
    expect_end(client);
    (void)close(client);
    rig_close(&r);
}

/* Input that comes while the dial is under way meets the front too. */
static void a_front_that_stays_sees_what_comes_during_the_dial(void **state)
{
    (void)state;
    struct rig r;
    int clog[CLOGS];
    open_proxy(&r, &clear_codec, &always);
    assert_int_equal(listen(r.target_fd, 0), 0);
    clog_up(&r.endpoint, clog);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, request(&r, "a"));
    send_text(client, request(&r, "b"));
    (void)close(accept_from(r.target_fd)); /* one of the others: the kernel tries ours again */
    unclog(clog);
    int target = -1;
    char first;
    do {
        if (target != -1)
            (void)close(target);
        target = accept_from(r.target_fd);
    } while (recv(target, &first, 1, MSG_PEEK) != 1);
    expect_text(target, REWRITTEN("a") REWRITTEN("b"));
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

static void a_front_that_fails_later_has_its_reply_sent_and_cuts_the_target(void **state)
{
    (void)state;
    struct rig r;
    open_proxy(&r, &clear_codec, &always);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, request(&r, "a"));
    int target = accept_from(r.target_fd);
    expect_text(target, REWRITTEN("a"));
    send_text(client, "nonsense\r\n\r\n");
    expect_text(client, "400\n");
    expect_reset(target);
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

static void a_request_for_another_target_ends_the_way_to_this_one(void **state)
{
    (void)state;
    struct rig r;
    open_proxy(&r, &clear_codec, &always);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, request(&r, "a"));
    int target = accept_from(r.target_fd);
    expect_text(target, REWRITTEN("a"));
    send_text(client, "GET http://127.0.0.1:1/b HTTP/1.1\r\n\r\n");
    expect_end(target);
    send_text(target, "answer");
    (void)close(target);
    expect_text(client, "answer");
    expect_end(client);
    (void)close(client);
    rig_close(&r);
}

static void a_front_that_fails_at_once_dials_nobody(void **state)
{
    static const char *const said[] = {"nonsense\r\n\r\n", "GET http"};
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct rig r;
        open_proxy(&r, &clear_codec, &once);
        rig_start(&r);
        int client = connect_to(r.port);
        send_text(client, said[i]);
        (void)shutdown(client, SHUT_WR);
        if (i == 0)
            expect_text(client, "400\n");
        expect_end(client);
        expect_nobody(r.target_fd);
        (void)close(client);
        rig_close(&r);
    }
}

/* The greeting codec of a server takes "hi" away and answers it. */
static void behind_a_codec_a_front_rewrites_and_must_be_done(void **state)
{
    static const struct request_conf *const confs[] = {&once, &always};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        open_proxy(&r, &greeting_codec, confs[i]);
        r.service.coded = SSP_ACCEPTED;
        r.service.role = SSP_SERVER;
        r.service.limits.greet_ms = i == 0 ? LONG_MS : SHORT_MS;
        rig_prepare(&r);
        int client = connect_to(r.port);
        send_text(client, "hi");
        send_text(client, request(&r, "a"));
        send_text(client, "body");
        rig_run(&r);
        expect_text(client, "ho");
        if (i == 0) {
            int target = accept_from(r.target_fd);
            expect_text(target, REWRITTEN("a") "body");
            (void)close(target);
        }
        expect_end(client);
        expect_nobody(r.target_fd);
        (void)close(client);
        rig_close(&r);
    }
}

/* ---- a constant target ---- */

static ssp_verdict constant_feed(ssp_conn *conn, void *state, ssp_io *io,
                                 struct ssp__target *target)
{
    (void)state;
    (void)io;
    *target = *(const struct ssp__target *)ssp_conn_conf(conn);
    return SSP_CLEAR;
}

static const struct ssp__front constant_front = {.name = "constant", .feed = constant_feed};

/* The target speaks first; its header goes before all that the client says. */
static void a_front_that_needs_nothing_dials_at_accept(void **state)
{
    struct ssp__target target = {.header = "header", .header_len = 6};
    (void)state;
    struct rig r;
    open_proxy(&r, &clear_codec, NULL);
    target.endpoint = r.endpoint;
    r.service.front = &constant_front;
    r.service.front_conf = &target;
    r.service.limits.hold_ms = SHORT_MS;
    rig_start(&r);
    int client = connect_to(r.port);
    int server = accept_from(r.target_fd);
    send_text(server, "banner");
    expect_text(client, "banner");
    expect_text(server, "header");
    send_text(client, "hello");
    expect_text(server, "hello");
    (void)close(server);
    (void)close(client);
    rig_close(&r);
}

/* ---- several targets for one client ---- */

enum { LARGE = 8 * 1024 * 1024 };

struct hosts {
    struct rig rig;
    struct ssp__endpoint second;
    int first_fd, second_fd; /* listening */
    int client;
};

static void hosts_open(struct hosts *h, const ssp_codec *codec)
{
    rig_open(&h->rig, codec, SSP_DIALED);
    h->rig.service.front = &proxy_front;
    h->rig.service.plan = to_target;
    h->first_fd = h->rig.target_fd;
    h->second_fd = listen_loopback(&h->second);
    rig_start(&h->rig);
    h->client = connect_to(h->rig.port);
}

static void hosts_close(struct hosts *h)
{
    (void)close(h->client);
    (void)close(h->second_fd);
    rig_close(&h->rig);
}

static void ask(const struct hosts *h, uint16_t port, const char *path)
{
    char text[REQUEST_MAX];
    (void)snprintf(text, sizeof text, "GET http://127.0.0.1:%u/%s HTTP/1.1\r\nHost: x\r\n\r\n",
                   (unsigned)port, path);
    send_text(h->client, text);
}

#define ANSWER(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body

/* The sort codec writes '>' first, and takes a '+' away: each dialed side has one of its own. */
static void two_requests_to_two_hosts_go_down_one_client_connection(void **state)
{
    (void)state;
    struct hosts h;
    hosts_open(&h, &sort_codec);
    ask(&h, h.rig.endpoint.port, "a");
    ask(&h, h.second.port, "b");
    int first = accept_from(h.first_fd);
    expect_text(first, ">" REWRITTEN("a"));
    expect_nobody(h.second_fd);
    send_text(first, "+" ANSWER("5", "hel"));
    expect_text(h.client, ANSWER("5", "hel"));
    expect_nobody(h.second_fd);
    send_text(first, "lo");
    expect_text(h.client, "lo");
    int second = accept_from(h.second_fd);
    expect_end(first);
    expect_text(second, ">" REWRITTEN("b"));
    send_text(second, "+" ANSWER("2", "hi"));
    expect_text(h.client, ANSWER("2", "hi"));
    (void)close(first);
    ask(&h, h.rig.endpoint.port, "c");
    first = accept_from(h.first_fd);
    expect_end(second);
    expect_text(first, ">" REWRITTEN("c"));
    send_text(first, "+" ANSWER("0", ""));
    expect_text(h.client, ANSWER("0", ""));
    (void)close(first);
    (void)close(second);
    hosts_close(&h);
}

static void a_target_that_ends_between_answers_is_dialed_again(void **state)
{
    (void)state;
    struct hosts h;
    hosts_open(&h, &clear_codec);
    for (unsigned i = 0; i < 3; i++) {
        ask(&h, h.rig.endpoint.port, "a");
        int target = accept_from(h.first_fd);
        expect_text(target, REWRITTEN("a"));
        send_text(target, ANSWER("2", "hi"));
        (void)close(target);
        expect_text(h.client, ANSWER("2", "hi"));
    }
    hosts_close(&h);
}

static void the_front_answers_for_a_target_that_is_not_reached_or_lost(void **state)
{
    (void)state;
    struct hosts h;
    struct ssp__endpoint refusing;
    int refused = refuse_loopback(&refusing);
    hosts_open(&h, &clear_codec);
    ask(&h, refusing.port, "a");
    ask(&h, h.rig.endpoint.port, "b");
    expect_text(h.client, "502\n");
    int target = accept_from(h.first_fd);
    expect_text(target, REWRITTEN("b"));
    reset(target);
    expect_text(h.client, "502\n");
    ask(&h, h.second.port, "c");
    target = accept_from(h.second_fd);
    expect_text(target, REWRITTEN("c"));
    send_text(target, ANSWER("5", "hel"));
    expect_text(h.client, ANSWER("5", "hel"));
    reset(target);
    expect_reset(h.client);
    (void)close(refused);
    hosts_close(&h);
}

/* The next target waits until the client has the answer of the former one. */
static void a_slow_client_gets_the_whole_answer_before_the_next_target(void **state)
{
    static char body[LARGE + 1];
    char length[64];
    (void)state;
    struct hosts h;
    hosts_open(&h, &clear_codec);
    ask(&h, h.rig.endpoint.port, "a");
    ask(&h, h.second.port, "b");
    int first = accept_from(h.first_fd);
    expect_text(first, REWRITTEN("a"));
    memset(body, 'x', LARGE);
    (void)snprintf(length, sizeof length, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
    send_text(first, length);
    expect_text(h.client, length);
    size_t sent = 0, got = 0;
    while (got < LARGE) {
        ssize_t n =
            sent < LARGE ? send(first, body + sent, LARGE - sent, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        n = recv(h.client, body, LARGE - got, n > 0 ? MSG_DONTWAIT : 0);
        got += n > 0 ? (size_t)n : 0;
    }
    expect_end(first);
    int second = accept_from(h.second_fd);
    expect_text(second, REWRITTEN("b"));
    send_text(second, ANSWER("2", "hi"));
    expect_text(h.client, ANSWER("2", "hi"));
    (void)close(first);
    (void)close(second);
    hosts_close(&h);
}

static void a_client_that_ends_gets_the_answers_to_all_that_it_asked(void **state)
{
    (void)state;
    struct hosts h;
    hosts_open(&h, &clear_codec);
    ask(&h, h.rig.endpoint.port, "a");
    ask(&h, h.second.port, "b");
    (void)shutdown(h.client, SHUT_WR);
    int first = accept_from(h.first_fd);
    expect_text(first, REWRITTEN("a"));
    send_text(first, ANSWER("2", "hi"));
    expect_text(h.client, ANSWER("2", "hi"));
    int second = accept_from(h.second_fd);
    expect_text(second, REWRITTEN("b"));
    send_text(second, ANSWER("2", "ho"));
    expect_text(h.client, ANSWER("2", "ho"));
    expect_end(second);
    (void)close(second);
    expect_end(h.client);
    (void)close(first);
    hosts_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_front_that_is_done_leaves_the_rest_as_it_is),
        cmocka_unit_test(a_front_that_stays_rewrites_every_request),
        cmocka_unit_test(a_front_that_stays_sees_what_comes_during_the_dial),
        cmocka_unit_test(a_front_that_fails_later_has_its_reply_sent_and_cuts_the_target),
        cmocka_unit_test(a_request_for_another_target_ends_the_way_to_this_one),
        cmocka_unit_test(a_front_that_fails_at_once_dials_nobody),
        cmocka_unit_test(behind_a_codec_a_front_rewrites_and_must_be_done),
        cmocka_unit_test(a_front_that_needs_nothing_dials_at_accept),
        cmocka_unit_test(two_requests_to_two_hosts_go_down_one_client_connection),
        cmocka_unit_test(a_target_that_ends_between_answers_is_dialed_again),
        cmocka_unit_test(the_front_answers_for_a_target_that_is_not_reached_or_lost),
        cmocka_unit_test(a_slow_client_gets_the_whole_answer_before_the_next_target),
        cmocka_unit_test(a_client_that_ends_gets_the_answers_to_all_that_it_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
