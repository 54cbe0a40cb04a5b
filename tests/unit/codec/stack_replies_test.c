/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks: what goes from one direction to the other, bytes and knowledge. */
#include "stack_rig.h"
#include "within.h"

/* ---- replies ---- */

CODEC_FN(echoes)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    ssp_reply(io, p, n);
    ssp_skip(io, n);
    return SSP_MORE;
}

static void a_reply_passes_the_layers_between_its_own_and_the_wire(void **unused)
{
    const ssp_codec echo = {
        .size = sizeof(ssp_codec), .name = "echo", .wrap = wrap_a, .unwrap = echoes};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec_a, &echo, &codec_b, &clear_codec);
    assert_int_equal(hear(&r, "bhello"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bhello");
    assert_said(&r, SSP_UNWRAP, "");
    rig_close(&r);
}

static void a_reply_to_the_plain_side_passes_the_inner_layers(void **unused)
{
    const ssp_codec echo = {
        .size = sizeof(ssp_codec), .name = "echo", .wrap = echoes, .unwrap = unwrap_b};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &echo, &codec_b);
    assert_int_equal(feed(r.drive, "x"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "");
    assert_said(&r, SSP_UNWRAP, "x"); /* "ax" was echoed, and a took its letter back */
    rig_close(&r);
}

/* The failure is one of the direction that was not called. */
static void a_reply_that_an_outer_layer_fails_at_is_a_failure(void **unused)
{
    const ssp_codec echo = {
        .size = sizeof(ssp_codec), .name = "echo", .wrap = identity, .unwrap = echoes};
    const ssp_codec bang = {
        .size = sizeof(ssp_codec), .name = "bang", .wrap = fails_at_bang, .unwrap = identity};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &echo, &bang);
    assert_int_equal(hear(&r, "good!"), SSP_FAIL);
    assert_said(&r, SSP_WRAP, "good");
    assert_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
}

/* Both of two neighbours answer whatever they hear. */
static void layers_that_reply_to_each_other_for_ever_break_a_rule(void **unused)
{
    const ssp_codec inner = {
        .size = sizeof(ssp_codec), .name = "inner", .wrap = wrap_a, .unwrap = echoes};
    const ssp_codec outer = {
        .size = sizeof(ssp_codec), .name = "outer", .wrap = echoes, .unwrap = identity};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &inner, &outer);
    assert_int_equal(hear(&r, "x"), SSP_FAIL);
    assert_non_null(strstr(ssp_drive_broken_rule(r.drive), "never stops replying"));
    rig_close(&r);
}

/* ---- what one direction learns ---- */

struct gate {
    bool open;
};

static ssp_verdict gated_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct gate *g = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    if (!g->open || n == 0)
        return SSP_MORE;
    ssp_pass(io, n);
    return SSP_OK;
}

static ssp_verdict gated_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct gate *g = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    g->open = true;
    ssp_skip(io, n);
    return SSP_OK;
}

static const ssp_codec gate_codec = {.size = sizeof(ssp_codec),
                                     .name = "gate",
                                     .state_size = sizeof(struct gate),
                                     .wrap = gated_wrap,
                                     .unwrap = gated_unwrap};

static void what_waits_between_layers_moves_when_the_other_direction_learns(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &gate_codec, &codec_b);
    assert_int_equal(feed(r.drive, "hello"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "");
    assert_int_equal(hear(&r, "bk"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bahello");
    rig_close(&r);
}

/* Each direction waits for the other: the wire speaks first, and is heard last. */
struct knot {
    bool heard, said;
};

CODEC_FN(knotted_wrap)
{
    struct knot *k = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    if (!k->heard || n == 0)
        return SSP_MORE;
    k->said = true;
    ssp_pass(io, n);
    return SSP_OK;
}

CODEC_FN(knotted_unwrap)
{
    struct knot *k = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    k->heard |= n > 0;
    if (!k->said || n == 0)
        return SSP_MORE;
    ssp_pass(io, n);
    return SSP_OK;
}

static void what_each_direction_learns_from_the_other_moves_both(void **unused)
{
    const ssp_codec knot = {.size = sizeof(ssp_codec),
                            .name = "knot",
                            .state_size = sizeof(struct knot),
                            .wrap = knotted_wrap,
                            .unwrap = knotted_unwrap};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &knot, &codec_b);
    assert_int_equal(feed(r.drive, "x"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "");
    assert_int_equal(hear(&r, "bay"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bax");
    assert_said(&r, SSP_UNWRAP, "y");
    rig_close(&r);
}

/* The queue before a closed gate is bounded: the rest stays unread with the engine. */
static void a_blocked_layer_stops_the_layers_before_it(void **unused)
{
    static const char block[65536];
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &gate_codec);
    ssp_verdict verdict = SSP_MORE;
    size_t fed = 0;
    while (verdict == SSP_MORE && fed < (64U << 20)) {
        verdict = ssp_drive_feed(r.drive, SSP_WRAP, block, sizeof block, 0);
        fed += sizeof block;
    }
    assert_int_equal(verdict, SSP_FAIL); /* a driver has nobody to wait for */
    assert_string_equal(ssp_drive_broken_rule(r.drive),
                        "asks for more input than the window holds");
    assert_within(fed, SSP_WINDOW, 2 * SSP_WINDOW);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_passes_the_layers_between_its_own_and_the_wire),
        cmocka_unit_test(a_reply_to_the_plain_side_passes_the_inner_layers),
        cmocka_unit_test(a_reply_that_an_outer_layer_fails_at_is_a_failure),
        cmocka_unit_test(layers_that_reply_to_each_other_for_ever_break_a_rule),
        cmocka_unit_test(what_waits_between_layers_moves_when_the_other_direction_learns),
        cmocka_unit_test(what_each_direction_learns_from_the_other_moves_both),
        cmocka_unit_test(a_blocked_layer_stops_the_layers_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
