/* SPDX-License-Identifier: Apache-2.0 */
/* Plans as data: around the codec, from one server to the next, from one fallback to the next. */
#include "session_rig.h"

#include <ssplugin/log.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 256, STEPS_MAX = 3 };

/* The answers of a plan on one occasion, in the order of its dials. */
struct answers {
    enum ssp__occasion occasion;
    struct ssp__plan plan[STEPS_MAX];
    unsigned n;
};

static bool answer(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct answers *a = arg;
    if (query->occasion != a->occasion || query->failed >= a->n)
        return false;
    *plan = a->plan[query->failed];
    return true;
}

/* The first byte is enough; the target's header is "header". */
static ssp_verdict one_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    size_t n;
    (void)conn;
    (void)state;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_skip(io, 1);
    memcpy(target->header, "header", 6);
    target->header_len = 6;
    target->endpoint.port = 1;
    return SSP_CLEAR;
}

static const struct ssp__front one_front = {.name = "one", .feed = one_feed};

static void add(struct answers *a, const struct ssp__endpoint *e, bool coded, bool say_target)
{
    a->plan[a->n++] =
        (struct ssp__plan){.endpoint = e, .endpoints = 1, .coded = coded, .say_target = say_target};
}

static void plan_with(struct rig *r, const struct answers *a)
{
    r->service.plan = answer;
    r->service.plan_arg = a;
}

/* The sort codec of a client writes '>' first, and takes a '+' away. */
static void a_plan_leads_around_the_codec(void **state)
{
    struct answers a = {.occasion = SSP_ON_TARGET};
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_DIALED);
    r.service.front = &one_front;
    add(&a, &r.endpoint, false, false);
    plan_with(&r, &a);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "!hello");
    int target = accept_from(r.target_fd);
    expect_text(target, "hello");
    send_text(target, "+answer");
    expect_text(client, "+answer");
    (void)close(target);
    expect_end(client);
    (void)close(client);
    rig_close(&r);
}

/* Coded or not, with a header or without one: each plan is a new beginning. */
static void after_a_failed_dial_the_next_plan_gets_every_byte(void **state)
{
    static const struct {
        bool coded[2], header[2];
        const char *arrives;
    } rows[] = {
        {{true, true}, {true, true}, ">headerearly"},
        {{true, false}, {true, false}, "early"},
        {{false, true}, {false, true}, ">headerearly"},
        {{false, false}, {true, true}, "headerearly"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answers a = {.occasion = SSP_ON_TARGET};
        struct ssp__endpoint refusing;
        struct rig r;
        int refused = refuse_loopback(&refusing);
        rig_open(&r, &sort_codec, SSP_DIALED);
        r.service.front = &one_front;
        add(&a, &refusing, rows[i].coded[0], rows[i].header[0]);
        add(&a, &r.endpoint, rows[i].coded[1], rows[i].header[1]);
        plan_with(&r, &a);
        rig_start(&r);
        int client = connect_to(r.port);
        send_text(client, "!early");
        int target = accept_from(r.target_fd);
        expect_text(target, rows[i].arrives);
        send_text(client, "later");
        expect_text(target, "later");
        (void)close(target);
        (void)close(client);
        (void)close(refused);
        rig_close(&r);
    }
}

/* The codec of an accepted side has run already: its output waits for the next plan. */
static void a_server_keeps_its_plain_bytes_for_the_next_plan(void **state)
{
    struct answers a = {.occasion = SSP_ON_TARGET};
    struct ssp__endpoint refusing;
    (void)state;
    struct rig r;
    int refused = refuse_loopback(&refusing);
    rig_open(&r, &greeting_codec, SSP_ACCEPTED);
    add(&a, &refusing, true, false);
    add(&a, &r.endpoint, true, false);
    plan_with(&r, &a);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "hiearly");
    int target = accept_from(r.target_fd);
    expect_text(target, "early");
    expect_text(client, "ho");
    send_text(client, "later");
    expect_text(target, "later");
    (void)close(target);
    (void)close(client);
    (void)close(refused);
    rig_close(&r);
}

static void a_dial_that_takes_too_long_has_failed(void **state)
{
    struct answers a = {.occasion = SSP_ON_ACCEPT};
    struct ssp__endpoint silent;
    int clog[CLOGS];
    (void)state;
    struct rig r;
    int listening = listen_loopback(&silent);
    assert_int_equal(listen(listening, 0), 0);
    clog_up(&silent, clog);
    rig_open(&r, &clear_codec, SSP_DIALED);
    r.service.limits.dial_ms = SHORT_MS;
    add(&a, &silent, true, false);
    add(&a, &r.endpoint, true, false);
    plan_with(&r, &a);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "hello");
    int target = accept_from(r.target_fd);
    expect_text(target, "hello");
    (void)close(target);
    (void)close(client);
    (void)close(listening);
    unclog(clog);
    rig_close(&r);
}

static void foreign_input_goes_whole_to_the_fallback_that_answers(void **state)
{
    struct answers a = {.occasion = SSP_ON_FOREIGN};
    struct ssp__endpoint refusing;
    (void)state;
    struct rig r;
    int refused = refuse_loopback(&refusing);
    rig_open(&r, &greeting_codec, SSP_ACCEPTED);
    r.service.front = &one_front; /* it has no part in this */
    int web = rig_fallback(&r);
    add(&a, &refusing, false, false);
    add(&a, &r.fallback, false, false);
    plan_with(&r, &a);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "h");
    send_text(client, "ttp");
    int server = accept_from(web);
    expect_text(server, "http");
    send_text(server, "page");
    expect_text(client, "page");
    send_text(client, "more");
    expect_text(server, "more");
    (void)close(server);
    expect_end(client);
    (void)close(client);
    (void)close(web);
    (void)close(refused);
    rig_close(&r);
}

/* The news that a way has heard. */
struct heard {
    unsigned failed, answered, left;
    bool timed;
};

static void hear(void *arg, enum ssp__way_event event, unsigned ms)
{
    struct heard *heard = arg;
    heard->failed += event == SSP_WAY_FAILED;
    heard->answered += event == SSP_WAY_ANSWERED;
    heard->left += event == SSP_WAY_LEFT;
    heard->timed = heard->timed || ms < WAIT_MS;
}

static const struct ssp__socket_options no_options;

static struct ssp__way way_of(const ssp_codec *codec, struct heard *heard)
{
    *heard = (struct heard){.failed = 0};
    return (struct ssp__way){.codec = codec, .options = &no_options, .note = hear, .arg = heard};
}

static void add_way(struct answers *a, const struct ssp__endpoint *e, struct ssp__way *way)
{
    add(a, e, true, true);
    a->plan[a->n - 1].way = way;
}

static void expect_heard(const struct ssp__way *way, unsigned failed, unsigned answered,
                         unsigned left)
{
    const struct heard *heard = way->arg;
    assert_int_equal(heard->failed, failed);
    assert_int_equal(heard->answered, answered);
    assert_int_equal(heard->left, left);
    assert_int_equal(way->held, 0);
}

/* The service has a codec that neither way has. */
static void each_way_has_its_codec_and_hears_what_became_of_it(void **state)
{
    struct answers a = {.occasion = SSP_ON_TARGET};
    struct ssp__endpoint refusing;
    struct heard of_first, of_second;
    struct ssp__way first = way_of(&clear_codec, &of_first),
                    second = way_of(&sort_codec, &of_second);
    (void)state;
    struct rig r;
    int refused = refuse_loopback(&refusing);
    rig_open(&r, &bang_codec, SSP_DIALED);
    r.service.front = &one_front;
    r.service.state_room = 64;
    add_way(&a, &refusing, &first);
    add_way(&a, &r.endpoint, &second);
    plan_with(&r, &a);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "!early");
    int target = accept_from(r.target_fd);
    expect_text(target, ">headerearly");
    send_text(target, "+answer");
    expect_text(client, "answer");
    (void)close(target);
    expect_end(client);
    (void)close(client);
    (void)close(refused);
    rig_close(&r);
    expect_heard(&first, 1, 0, 1);
    expect_heard(&second, 0, 1, 1);
    assert_true(of_second.timed);
}

/* The client waits for an answer; one that has gone itself says nothing of the way. */
static void an_end_without_a_byte_is_a_failure_of_the_way(void **state)
{
    (void)state;
    for (unsigned waits = 0; waits < 2; waits++) {
        struct answers a = {.occasion = SSP_ON_TARGET};
        struct heard heard;
        struct ssp__way way = way_of(&clear_codec, &heard);
        struct rig r;
        rig_open(&r, &bang_codec, SSP_DIALED);
        r.service.front = &one_front;
        add_way(&a, &r.endpoint, &way);
        plan_with(&r, &a);
        rig_start(&r);
        int client = connect_to(r.port);
        send_text(client, "!early");
        int target = accept_from(r.target_fd);
        expect_text(target, "headerearly");
        if (waits == 0) {
            assert_int_equal(shutdown(client, SHUT_WR), 0);
            expect_end(target);
        }
        (void)close(target);
        expect_end(client);
        (void)close(client);
        rig_close(&r);
        expect_heard(&way, waits, 0, 1);
    }
}

static void keep_line(void *arg, ssp_log_level level, const char *text)
{
    char *line = arg;
    (void)level;
    (void)strncpy(line, text, LINE_MAX_BYTES - 1);
}

static void a_plan_without_a_way_resets_the_client(void **state)
{
    struct answers a = {.occasion = SSP_ON_TARGET};
    char line[LINE_MAX_BYTES] = "";
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    plan_with(&r, &a);
    ssp_log_redirect(keep_line, line);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "hello");
    expect_reset(client);
    expect_nobody(r.target_fd);
    (void)close(client);
    rig_close(&r);
    ssp_log_redirect(NULL, NULL);
    assert_string_equal(line, "test: the plan has no way to the target");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_leads_around_the_codec),
        cmocka_unit_test(after_a_failed_dial_the_next_plan_gets_every_byte),
        cmocka_unit_test(a_server_keeps_its_plain_bytes_for_the_next_plan),
        cmocka_unit_test(a_dial_that_takes_too_long_has_failed),
        cmocka_unit_test(foreign_input_goes_whole_to_the_fallback_that_answers),
        cmocka_unit_test(each_way_has_its_codec_and_hears_what_became_of_it),
        cmocka_unit_test(an_end_without_a_byte_is_a_failure_of_the_way),
        cmocka_unit_test(a_plan_without_a_way_resets_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
