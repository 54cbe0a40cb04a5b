/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that begin at the fallback, and that their codec recalls from there. */
#include "codec_fn.h"
#include "session_rig.h"

#include <ssplugin/drive.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct turn {
    bool ours;
};

/* All is the site's, until a piece begins with '!': that, and the rest, is for the target.  '?'
 * says that the peer is none of ours, for good. */
CODEC_FN(turn_in)
{
    struct turn *t = state;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (t->ours || len == 0) {
        ssp_pass(io, len);
        return SSP_MORE;
    }
    if (*in == '?')
        return SSP_CLEAR;
    const uint8_t *mark = memchr(in, '!', len);
    if (mark != in) {
        ssp_pass(io, mark != NULL ? (size_t)(mark - in) : len);
        return SSP_OK;
    }
    t->ours = true;
    ssp_conn_recall(conn);
    ssp_skip(io, 1);
    return SSP_OK;
}

/* The engine is held at '#' until the test lets go, so that all that happens is new to it. */
enum { HELD, LET_GO };
/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): of one test */
static int held[2];

CODEC_FN(held_turn_in)
{
    size_t len;
    char byte;
    const uint8_t *in = ssp_in(io, &len);
    if (len == 1 && *in == '#') {
        assert_int_equal(read(held[HELD], &byte, 1), 1);
        ssp_skip(io, 1);
        return SSP_MORE;
    }
    return turn_in(conn, state, io);
}

/* Whole lines only of the site, all of the target. */
CODEC_FN(turn_out)
{
    const struct turn *t = state;
    size_t len;
    UNUSED;
    const uint8_t *in = ssp_in(io, &len);
    const uint8_t *end = len > 0 ? memchr(in, '\n', len) : NULL;
    if (t->ours)
        ssp_pass(io, len);
    else if (end != NULL)
        ssp_pass(io, (size_t)(end - in) + 1);
    else
        ssp_need(io, len + 1);
    return SSP_MORE;
}

#define TURN(flags_)                                                                               \
    {                                                                                              \
        .size = sizeof(ssp_codec), .flags = (flags_), .name = "turn", .version = "1",              \
        .state_size = sizeof(struct turn), .wrap = turn_out, .unwrap = turn_in                     \
    }

static const ssp_codec turn_codec = TURN(SSP_BEGIN_DIVERTED);

static const ssp_codec held_codec = {.size = sizeof(ssp_codec),
                                     .flags = SSP_BEGIN_DIVERTED,
                                     .name = "held",
                                     .version = "1",
                                     .state_size = sizeof(struct turn),
                                     .wrap = turn_out,
                                     .unwrap = held_turn_in};

/* A connection that has begun at the site, of which the client has got a line. */
static void begin_at_site(const struct rig *r, int web, int *client, int *site)
{
    *client = connect_to(r->port);
    *site = accept_from(web); /* before the first byte */
    send_text(*client, "hello");
    expect_text(*site, "hello");
    send_text(*site, "page\nhal");
    expect_text(*client, "page\n");
}

static void a_recalled_connection_leaves_the_fallback_for_the_target(void **state)
{
    (void)state;
    struct rig r;
    int client, site;
    rig_open(&r, &turn_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r);
    rig_start(&r);
    begin_at_site(&r, web, &client, &site);
    expect_nobody(r.target_fd);
    send_text(client, "!ours");
    int target = accept_from(r.target_fd);
    expect_text(target, "ours");
    expect_end(site);
    send_text(target, "answer"); /* "hal" of the site is gone */
    expect_text(client, "answer");
    (void)shutdown(client, SHUT_WR);
    expect_end(target);
    send_text(target, "late");
    (void)close(target);
    expect_text(client, "late");
    expect_end(client);
    (void)close(client);
    (void)close(site);
    (void)close(web);
    rig_stop(&r);
    assert_int_equal(r.relay.own.counters.foreign, 0);
    rig_release(&r);
}

static void a_client_that_ends_with_its_first_bytes_is_served(void **state)
{
    (void)state;
    struct rig r;
    int client, site;
    rig_open(&r, &turn_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r);
    rig_start(&r);
    begin_at_site(&r, web, &client, &site);
    send_text(client, "!all");
    (void)shutdown(client, SHUT_WR);
    int target = accept_from(r.target_fd);
    expect_text(target, "all");
    expect_end(target);
    send_text(target, "answer");
    (void)close(target);
    expect_text(client, "answer");
    expect_end(client);
    (void)close(client);
    (void)close(site);
    (void)close(web);
    rig_close(&r);
}

/* The site resets the connection while the last bytes for it are on their way. */
static void a_client_is_served_though_the_site_is_gone(void **state)
{
    (void)state;
    struct rig r;
    int client, site, other, other_site;
    assert_int_equal(pipe(held), 0);
    rig_open(&r, &held_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r);
    rig_start(&r);
    begin_at_site(&r, web, &client, &site);
    begin_at_site(&r, web, &other, &other_site);
    send_text(other, "#");
    send_text(client, "bye!ours");
    reset(site);
    assert_int_equal(write(held[LET_GO], "", 1), 1);
    int target = accept_from(r.target_fd);
    expect_text(target, "ours");
    send_text(target, "answer");
    expect_text(client, "answer");
    (void)close(client);
    (void)close(target);
    (void)close(other);
    (void)close(other_site);
    (void)close(web);
    rig_close(&r);
    (void)close(held[HELD]);
    (void)close(held[LET_GO]);
}

static void a_target_that_refuses_resets_the_client(void **state)
{
    (void)state;
    struct rig r;
    int client, site;
    rig_open(&r, &turn_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r), refuses = refuse_loopback(&r.endpoint);
    rig_start(&r);
    begin_at_site(&r, web, &client, &site);
    send_text(client, "!ours");
    expect_reset(client);
    (void)close(client);
    (void)close(site);
    (void)close(refuses);
    (void)close(web);
    rig_close(&r);
}

/* The ends of the site are those of a connection to it: a FIN, and a reset. */
static void one_that_is_never_recalled_stays_at_the_fallback(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &turn_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r);
    rig_start(&r);
    for (int how = 0; how < 4; how++) {
        int client, site;
        begin_at_site(&r, web, &client, &site);
        if (how & 1) {
            send_text(client, "?!not ours");
            expect_text(site, "?!not ours");
        }
        send_text(site, "f\n");
        expect_text(client, "half\n");
        if (how & 2) {
            reset(site);
            expect_reset(client);
        } else {
            (void)close(site);
            expect_end(client);
        }
        (void)close(client);
    }
    expect_nobody(r.target_fd);
    (void)close(web);
    rig_stop(&r);
    assert_int_equal(r.relay.own.counters.foreign, 4);
    rig_release(&r);
}

/* Connections at the fallback have not authenticated: the oldest one makes room. */
static void connections_at_the_fallback_count_for_the_limit_of_a_source(void **state)
{
    (void)state;
    struct rig r;
    int client[3], site[3];
    rig_open(&r, &turn_codec, SSP_ACCEPTED);
    r.service.limits.greeting_per_source = 2;
    int web = rig_fallback(&r);
    rig_start(&r);
    begin_at_site(&r, web, &client[0], &site[0]);
    begin_at_site(&r, web, &client[1], &site[1]);
    send_text(client[0], "!ours"); /* counts no more */
    int target = accept_from(r.target_fd);
    expect_text(target, "ours");
    begin_at_site(&r, web, &client[2], &site[2]);
    int fourth, fourth_site;
    begin_at_site(&r, web, &fourth, &fourth_site);
    expect_end(client[1]);
    send_text(client[0], "more");
    expect_text(target, "more");
    send_text(client[2], "more");
    expect_text(site[2], "more");
    for (int i = 0; i < 3; i++) {
        (void)close(client[i]);
        (void)close(site[i]);
    }
    (void)close(fourth);
    (void)close(fourth_site);
    (void)close(target);
    (void)close(web);
    rig_close(&r);
}

/* It has not timed out: that is no failure, and no line of the log. */
static void one_that_makes_room_while_its_fallback_is_dialed_has_not_failed(void **state)
{
    (void)state;
    struct rig r;
    int clog[CLOGS];
    rig_open(&r, &turn_codec, SSP_ACCEPTED);
    r.service.limits.greeting_per_source = 1;
    int web = rig_fallback(&r);
    assert_int_equal(listen(web, 0), 0); /* whose queue has one place */
    clog_up(&r.fallback, clog);
    rig_start(&r);
    int first = connect_to(r.port), second = connect_to(r.port);
    expect_end(first);
    rig_stop(&r); /* while the other one is dialed for */
    assert_int_equal(r.relay.own.counters.failed, 0);
    rig_release(&r);
    (void)close(first);
    (void)close(second);
    unclog(clog);
    (void)close(web);
}

/* ---- rules ---- */

CODEC_FN(recall_at_once)
{
    UNUSED;
    size_t len;
    (void)ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    ssp_conn_recall(conn);
    ssp_pass(io, len);
    return SSP_OK;
}

CODEC_FN(recall_and_end)
{
    UNUSED;
    size_t len;
    (void)ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    ssp_conn_recall(conn);
    return SSP_CLEAR;
}

static void expect_broken(const ssp_codec *codec, ssp_dir dir, const char *rule)
{
    ssp_drive *d = ssp_drive_new(codec, SSP_SERVER, NULL, NULL);
    assert_true(ssp_drive_diverted(d));
    assert_int_equal(ssp_drive_feed(d, dir, "x", 1, false), SSP_FAIL);
    assert_string_equal(ssp_drive_broken_rule(d), rule);
    ssp_drive_free(d);
}

static void a_recall_that_is_none_breaks_a_rule(void **state)
{
    static const char rule[] = "recalls a connection in wrap, with output, or at its end";
    ssp_codec codec = TURN(SSP_BEGIN_DIVERTED);
    (void)state;
    codec.unwrap = recall_at_once;
    expect_broken(&codec, SSP_UNWRAP, rule);
    codec.unwrap = recall_and_end;
    expect_broken(&codec, SSP_UNWRAP, rule);
    codec.wrap = recall_at_once;
    expect_broken(&codec, SSP_WRAP, rule);
}

static void the_driver_drops_what_a_session_drops(void **state)
{
    (void)state;
    size_t n;
    ssp_drive *d = ssp_drive_new(&turn_codec, SSP_SERVER, NULL, NULL);
    assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, "hello", 5, false), SSP_MORE);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "page\nhal", 8, true), SSP_FAIL);
    ssp_drive_free(d);
    d = ssp_drive_new(&turn_codec, SSP_SERVER, NULL, NULL);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "page\nhal", 8, false), SSP_MORE);
    assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, "hello!ours", 10, false), SSP_MORE);
    assert_false(ssp_drive_diverted(d));
    assert_memory_equal(ssp_drive_output(d, SSP_UNWRAP, &n), "ours", 4);
    assert_int_equal(n, 4);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "answer", 6, true), SSP_END);
    assert_memory_equal(ssp_drive_output(d, SSP_WRAP, &n), "page\nanswer", 11);
    assert_int_equal(n, 11);
    ssp_drive_free(d);
}

static void a_stack_has_none_that_begins_so(void **state)
{
    static const void *const no_conf[2];
    (void)state;
    const ssp_codec *const alone[] = {&turn_codec}, *const two[] = {&clear_codec, &turn_codec};
    assert_null(ssp_stack_new(alone, no_conf, 1));
    assert_null(ssp_stack_new(two, no_conf, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recalled_connection_leaves_the_fallback_for_the_target),
        cmocka_unit_test(a_client_that_ends_with_its_first_bytes_is_served),
        cmocka_unit_test(a_client_is_served_though_the_site_is_gone),
        cmocka_unit_test(a_target_that_refuses_resets_the_client),
        cmocka_unit_test(one_that_is_never_recalled_stays_at_the_fallback),
        cmocka_unit_test(connections_at_the_fallback_count_for_the_limit_of_a_source),
        cmocka_unit_test(one_that_makes_room_while_its_fallback_is_dialed_has_not_failed),
        cmocka_unit_test(a_recall_that_is_none_breaks_a_rule),
        cmocka_unit_test(the_driver_drops_what_a_session_drops),
        cmocka_unit_test(a_stack_has_none_that_begins_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
