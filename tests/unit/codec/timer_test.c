/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of codecs: a driver's clock goes as the test says. */
#include "stack_rig.h"

/* Each byte is an order; a call by the timer says "!". */
CODEC_FN(obeys)
{
    UNUSED;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    char order = n > 0 ? (char)*in : '\0';
    if (ssp_timer_fired(io))
        ssp_put(io, "!", 1);
    if (order != '\0')
        ssp_skip(io, 1);
    switch (order) {
    case '\0':
        return SSP_MORE;
    case '1':
        ssp_conn_timer(conn, SSP_WRAP, 10);
        break;
    case '2':
        ssp_conn_timer(conn, SSP_WRAP, 20);
        break;
    case '0':
        ssp_conn_timer(conn, SSP_WRAP, 0);
        break;
    case 'u':
        ssp_conn_timer(conn, SSP_UNWRAP, 15);
        break;
    case 'p':
        ssp_pass_ahead(io, 3);
        break;
    case 'E':
        return SSP_END;
    case 'C':
        return SSP_CLEAR;
    case 'F':
        return SSP_FAIL;
    default:
        ssp_put(io, in, 1);
    }
    return SSP_OK;
}

static const ssp_codec obedient = CODEC(obeys);

static void assert_timers(const ssp_drive *d, int64_t wrap, int64_t unwrap)
{
    assert_int_equal(ssp_drive_timer(d, SSP_WRAP), wrap);
    assert_int_equal(ssp_drive_timer(d, SSP_UNWRAP), unwrap);
}

static void a_timer_fires_once_without_input(void **unused)
{
    (void)unused;
    ssp_drive *d = drive_of(&obedient);
    assert_timers(d, -1, -1);
    ssp_drive_advance(d, 1000);
    assert_int_equal(feed(d, "1"), SSP_MORE);
    assert_timers(d, 10, -1);
    ssp_drive_advance(d, 9);
    assert_output(d, SSP_WRAP, "");
    assert_timers(d, 1, -1);
    ssp_drive_advance(d, 1);
    assert_output(d, SSP_WRAP, "!");
    ssp_drive_take(d, SSP_WRAP, 1);
    assert_timers(d, -1, -1);
    ssp_drive_advance(d, 1000);
    assert_output(d, SSP_WRAP, "");
    ssp_drive_free(d);
}

static void a_later_request_replaces_and_0_cancels(void **unused)
{
    static const struct {
        const char *orders;
        int due;
    } rows[] = {{"12", 20}, {"21", 10}, {"10", -1}, {"102", 20}, {"0", -1}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ssp_drive *d = drive_of(&obedient);
        assert_int_equal(feed(d, rows[i].orders), SSP_MORE);
        assert_timers(d, rows[i].due, -1);
        ssp_drive_advance(d, 1000);
        assert_output(d, SSP_WRAP, rows[i].due > 0 ? "!" : "");
        ssp_drive_free(d);
    }
}

static void each_direction_has_one(void **unused)
{
    (void)unused;
    ssp_drive *d = drive_of(&obedient);
    assert_int_equal(feed(d, "2u"), SSP_MORE);
    assert_timers(d, 20, 15);
    ssp_drive_advance(d, 15);
    assert_output(d, SSP_WRAP, "");
    assert_output(d, SSP_UNWRAP, "!");
    assert_timers(d, 5, -1);
    ssp_drive_advance(d, 5);
    assert_output(d, SSP_WRAP, "!");
    ssp_drive_free(d);
}

static void input_and_timer_share_a_call(void **unused)
{
    (void)unused;
    ssp_drive *d = drive_of(&obedient);
    assert_int_equal(feed(d, "1x"), SSP_MORE);
    ssp_drive_advance(d, 30);
    ssp_drive_take(d, SSP_WRAP, 1);
    assert_int_equal(feed(d, "y"), SSP_MORE);
    assert_output(d, SSP_WRAP, "!y");
    ssp_drive_free(d);
}

static void a_timer_waits_until_the_output_is_taken(void **unused)
{
    (void)unused;
    ssp_drive *d = drive_of(&obedient);
    assert_int_equal(feed(d, "1x"), SSP_MORE);
    assert_timers(d, -1, -1);
    ssp_drive_advance(d, 50);
    assert_int_equal(feed(d, "y"), SSP_MORE);
    assert_output(d, SSP_WRAP, "xy");
    ssp_drive_take(d, SSP_WRAP, 2);
    assert_timers(d, 0, -1);
    ssp_drive_advance(d, 0);
    assert_output(d, SSP_WRAP, "!");
    ssp_drive_free(d);
}

static void a_timer_waits_for_promised_bytes(void **unused)
{
    (void)unused;
    ssp_drive *d = drive_of(&obedient);
    assert_int_equal(feed(d, "1p"), SSP_MORE);
    assert_timers(d, -1, -1);
    ssp_drive_advance(d, 50);
    assert_output(d, SSP_WRAP, "");
    assert_int_equal(feed(d, "abc"), SSP_MORE);
    assert_output(d, SSP_WRAP, "abc!");
    ssp_drive_free(d);
}

static void a_direction_that_is_over_has_no_timer(void **unused)
{
    static const char *const ends[] = {"1E", "1C", "1F"};
    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        ssp_drive *d = drive_of(&obedient);
        (void)feed(d, ends[i]);
        assert_timers(d, -1, -1);
        ssp_drive_advance(d, 1000);
        assert_output(d, SSP_WRAP, "");
        assert_null(ssp_drive_broken_rule(d));
        ssp_drive_free(d);
    }
    ssp_drive *d = drive_of(&obedient);
    assert_int_equal(feed(d, "1"), SSP_MORE);
    assert_int_equal(finish(d), SSP_END);
    ssp_drive_advance(d, 1000);
    assert_output(d, SSP_WRAP, "");
    ssp_drive_free(d);
}

/* Wants five bytes, or 10 ms. */
CODEC_FN(impatient)
{
    UNUSED;
    size_t n;
    (void)ssp_in(io, &n);
    if (ssp_timer_fired(io))
        return SSP_FOREIGN;
    if (n == 1)
        ssp_conn_timer(conn, SSP_WRAP, 10);
    ssp_need(io, 5);
    return SSP_MORE;
}

static void a_timer_does_not_wait_for_the_input_that_was_asked_for(void **unused)
{
    const ssp_codec codec = CODEC(impatient);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "x"), SSP_MORE);
    assert_int_equal(feed(d, "y"), SSP_MORE);
    ssp_drive_advance(d, 10);
    assert_int_equal(feed(d, ""), SSP_FOREIGN);
    ssp_drive_free(d);
}

/* Ends 10 ms behind its input. */
CODEC_FN(lingers)
{
    UNUSED;
    size_t n;
    (void)ssp_in(io, &n);
    ssp_pass(io, n);
    if (!ssp_eof(io) || ssp_timer_fired(io))
        return ssp_eof(io) ? SSP_END : SSP_MORE;
    ssp_conn_timer(conn, SSP_WRAP, 10);
    ssp_wait(io);
    return SSP_MORE;
}

static void a_direction_may_wait_for_its_timer_behind_its_input(void **unused)
{
    const ssp_codec codec = CODEC(lingers);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, ""), SSP_MORE);
    assert_int_equal(finish(d), SSP_MORE);
    ssp_drive_advance(d, 10);
    assert_int_equal(feed(d, ""), SSP_END);
    ssp_drive_free(d);
}

/* Says the time, then every 2 s again. */
CODEC_FN(tells_time)
{
    UNUSED;
    if (ssp_timer_fired(io))
        (void)ssp_putf(io, "%lld", (long long)ssp_conn_time(conn));
    ssp_conn_timer(conn, SSP_WRAP, 2000);
    return SSP_MORE;
}

static void without_a_world_both_clocks_are_one(void **unused)
{
    const ssp_codec codec = CODEC(tells_time);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, ""), SSP_MORE);
    for (char text[] = "2"; *text < '9'; *text += 2) {
        ssp_drive_advance(d, 2000);
        assert_output(d, SSP_WRAP, text);
        ssp_drive_take(d, SSP_WRAP, 1);
    }
    ssp_drive_free(d);
}

CODEC_FN(replies_later)
{
    UNUSED;
    if (ssp_timer_fired(io))
        ssp_reply(io, "pong", 4);
    ssp_conn_timer(conn, SSP_UNWRAP, 10);
    return SSP_MORE;
}

static const ssp_codec late_replier = {
    .size = sizeof(ssp_codec), .name = "late", .wrap = says_bye, .unwrap = replies_later};

static void a_timer_that_speaks_behind_the_end_breaks_a_rule(void **unused)
{
    (void)unused;
    ssp_drive *d = drive_of(&late_replier);
    assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, "", 0, 0), SSP_MORE);
    ssp_drive_advance(d, 10);
    assert_output(d, SSP_WRAP, "pong");
    assert_int_equal(finish(d), SSP_END);
    assert_output(d, SSP_WRAP, "pongbye");
    assert_null(ssp_drive_broken_rule(d));
    ssp_drive_advance(d, 10);
    assert_output(d, SSP_WRAP, "pongbye");
    assert_string_equal(ssp_drive_broken_rule(d),
                        "replies by a timer after that direction has ended");
    ssp_drive_free(d);
}

/* ---- in a stack ---- */

static void what_a_layers_timer_says_passes_the_outer_layers(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &obedient, &codec_b);
    assert_int_equal(feed(r.drive, "1u"), SSP_MORE);
    assert_timers(r.drive, 10, 15);
    ssp_drive_advance(r.drive, 15);
    assert_said(&r, SSP_WRAP, "b!");
    assert_said(&r, SSP_UNWRAP, "!");
    assert_timers(r.drive, -1, -1);
    rig_close(&r);
}

static ssp_verdict tick(ssp_conn *conn, bool *begun, ssp_io *io, unsigned ms, const char *letter)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (!*begun)
        ssp_conn_timer(conn, SSP_WRAP, ms);
    *begun = true;
    if (ssp_timer_fired(io))
        ssp_put(io, letter, 1);
    ssp_pass(io, n);
    return n > 0 ? SSP_OK : SSP_MORE;
}

CODEC_FN(tick_5)
{
    return tick(conn, state, io, 5, "5");
}

CODEC_FN(tick_9)
{
    return tick(conn, state, io, 9, "9");
}

static const ssp_codec ticking_5 = {.size = sizeof(ssp_codec),
                                    .name = "five",
                                    .state_size = sizeof(bool),
                                    .wrap = tick_5,
                                    .unwrap = identity};
static const ssp_codec ticking_9 = {.size = sizeof(ssp_codec),
                                    .name = "nine",
                                    .state_size = sizeof(bool),
                                    .wrap = tick_9,
                                    .unwrap = identity};

static void each_layer_has_its_own(void **unused)
{
    (void)unused;
    for (int inner = 0; inner < 2; inner++) {
        struct rig r;
        RIG(&r, SSP_CLIENT, inner == 0 ? &ticking_5 : &ticking_9,
            inner == 0 ? &ticking_9 : &ticking_5);
        assert_int_equal(feed(r.drive, "x"), SSP_MORE);
        assert_said(&r, SSP_WRAP, "x");
        assert_timers(r.drive, 5, -1);
        ssp_drive_advance(r.drive, 5);
        assert_said(&r, SSP_WRAP, "5");
        assert_timers(r.drive, 4, -1);
        ssp_drive_advance(r.drive, 100);
        assert_said(&r, SSP_WRAP, "9");
        assert_timers(r.drive, -1, -1);
        rig_close(&r);
    }
}

static void a_layer_that_is_over_has_none(void **unused)
{
    static const char *const ends[] = {"1C", "1E", "1F", "1p"};
    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        struct rig r;
        RIG(&r, SSP_CLIENT, &obedient, &ticking_9);
        (void)feed(r.drive, ends[i]);
        assert_int_equal(ssp_drive_timer(r.drive, SSP_WRAP), i == 1 || i == 2 ? -1 : 9);
        rig_close(&r);
    }
}

static void a_layer_waits_until_the_output_is_taken(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &obedient, &codec_b);
    assert_int_equal(feed(r.drive, "1x"), SSP_MORE);
    ssp_drive_advance(r.drive, 50);
    assert_int_equal(hear(&r, "b"), SSP_MORE); /* a call of the other direction */
    assert_said(&r, SSP_WRAP, "bx");
    assert_timers(r.drive, 0, -1);
    ssp_drive_advance(r.drive, 0);
    assert_said(&r, SSP_WRAP, "b!");
    rig_close(&r);
}

static void a_layer_that_speaks_behind_the_end_is_named(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &late_replier);
    assert_int_equal(hear(&r, ""), SSP_MORE);
    assert_int_equal(finish(r.drive), SSP_END);
    assert_said(&r, SSP_WRAP, "bye");
    ssp_drive_advance(r.drive, 10);
    assert_said(&r, SSP_WRAP, "");
    assert_string_equal(ssp_drive_broken_rule(r.drive),
                        "(layer late) replies by a timer after that direction has ended");
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_without_input),
        cmocka_unit_test(a_later_request_replaces_and_0_cancels),
        cmocka_unit_test(each_direction_has_one),
        cmocka_unit_test(input_and_timer_share_a_call),
        cmocka_unit_test(a_timer_waits_until_the_output_is_taken),
        cmocka_unit_test(a_timer_waits_for_promised_bytes),
        cmocka_unit_test(a_direction_that_is_over_has_no_timer),
        cmocka_unit_test(a_timer_does_not_wait_for_the_input_that_was_asked_for),
        cmocka_unit_test(a_direction_may_wait_for_its_timer_behind_its_input),
        cmocka_unit_test(without_a_world_both_clocks_are_one),
        cmocka_unit_test(a_timer_that_speaks_behind_the_end_breaks_a_rule),
        cmocka_unit_test(what_a_layers_timer_says_passes_the_outer_layers),
        cmocka_unit_test(each_layer_has_its_own),
        cmocka_unit_test(a_layer_that_is_over_has_none),
        cmocka_unit_test(a_layer_waits_until_the_output_is_taken),
        cmocka_unit_test(a_layer_that_speaks_behind_the_end_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
