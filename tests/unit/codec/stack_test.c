/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks: who sees what, in which order, and what becomes of ends, failures and strangers. */
#include "stack_rig.h"

static void the_first_layer_is_nearest_to_the_plain_side(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &codec_b);
    assert_string_equal(ssp_stack_codec(r.stack)->name, "a+b");
    assert_int_equal(feed(r.drive, "x"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bax");
    assert_int_equal(hear(&r, "bay"), SSP_CLEAR);
    assert_said(&r, SSP_UNWRAP, "y");
    rig_close(&r);
}

static void a_stack_of_clear_layers_is_clear(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &clear_codec, &clear_codec, &clear_codec);
    assert_int_equal(feed(r.drive, "x"), SSP_CLEAR);
    assert_said(&r, SSP_WRAP, "x");
    assert_int_equal(finish(r.drive), SSP_END);
    rig_close(&r);
}

/* ---- strangers ---- */

static void a_stranger_to_the_wire_layer_is_a_stranger_to_all(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec_a, &codec_b);
    assert_int_equal(hear(&r, "GET"), SSP_FOREIGN);
    assert_int_equal(ssp_drive_diverted(r.drive), 0);
    assert_said(&r, SSP_UNWRAP, "");
    rig_close(&r);
}

/* Bytes that the inner layer did not understand come out as they were, and answers pass the outer
 * layer. */
static void a_stranger_to_an_inner_layer_is_diverted_through_the_outer_ones(void **unused)
{
    static const char stream[] = "bGET / HTTP";
    (void)unused;
    for (size_t cut = 0; cut < sizeof stream - 1; cut++) {
        struct rig r;
        RIG(&r, SSP_SERVER, &codec_a, &codec_b);
        (void)ssp_drive_feed(r.drive, SSP_UNWRAP, stream, cut, 0);
        (void)ssp_drive_feed(r.drive, SSP_UNWRAP, stream + cut, sizeof stream - 1 - cut, 0);
        assert_int_equal(ssp_drive_diverted(r.drive), 1);
        assert_said(&r, SSP_UNWRAP, "GET / HTTP");
        assert_int_equal(feed(r.drive, "page"), SSP_MORE);
        assert_said(&r, SSP_WRAP, "bpage"); /* not marked by a */
        assert_null(ssp_drive_broken_rule(r.drive));
        rig_close(&r);
    }
}

static void a_client_has_no_strangers(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &codec_b);
    assert_int_equal(hear(&r, "bGET"), SSP_FAIL);
    assert_int_equal(ssp_drive_diverted(r.drive), 0);
    rig_close(&r);
}

CODEC_FN(diverts)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_conn_divert(conn);
    ssp_pass(io, n);
    return SSP_OK;
}

static void a_layer_may_divert_the_whole(void **unused)
{
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "diverts", .wrap = wrap_a, .unwrap = diverts};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec, &codec_b);
    assert_int_equal(hear(&r, "b"), SSP_MORE);
    assert_int_equal(ssp_drive_diverted(r.drive), 0);
    assert_int_equal(hear(&r, "x"), SSP_MORE);
    assert_int_equal(ssp_drive_diverted(r.drive), 1);
    assert_int_equal(hear(&r, "y"), SSP_MORE); /* once more changes nothing */
    assert_said(&r, SSP_UNWRAP, "xy");
    assert_int_equal(feed(r.drive, "z"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "baz"); /* all layers stay */
    rig_close(&r);
}

CODEC_FN(diverts_late)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (*p == '!')
        ssp_conn_divert(conn);
    ssp_pass(io, 1);
    return SSP_OK;
}

static void a_connection_is_diverted_before_its_first_plain_byte_or_never(void **unused)
{
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "late", .wrap = identity, .unwrap = diverts_late};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec);
    assert_int_equal(hear(&r, "x"), SSP_MORE);
    assert_int_equal(hear(&r, "!"), SSP_FAIL);
    assert_non_null(strstr(ssp_drive_broken_rule(r.drive), "diverts a connection too late"));
    rig_close(&r);
    RIG(&r, SSP_SERVER, &codec, &clear_codec, &clear_codec);
    assert_int_equal(hear(&r, "x!"), SSP_FAIL);
    assert_non_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
    RIG(&r, SSP_CLIENT, &codec);
    assert_int_equal(hear(&r, "!"), SSP_FAIL);
    assert_non_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
}

/* ---- ends ---- */

static void what_a_layer_says_at_its_end_passes_the_outer_ones(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &bye_codec, &codec_b, &bye_codec);
    assert_int_equal(feed(r.drive, "x"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bax");
    assert_int_equal(finish(r.drive), SSP_END);
    assert_said(&r, SSP_WRAP, "bbyebye");
    rig_close(&r);
}

CODEC_FN(ends_at_dot)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    const uint8_t *dot = n > 0 ? memchr(p, '.', n) : NULL;
    if (n == 0)
        return SSP_MORE;
    ssp_pass(io, dot != NULL ? (size_t)(dot - p) : n);
    return dot != NULL ? SSP_END : SSP_OK;
}

static void a_layer_that_ends_by_itself_ends_the_direction(void **unused)
{
    const ssp_codec dot = {
        .size = sizeof(ssp_codec), .name = "dot", .wrap = identity, .unwrap = ends_at_dot};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &bye_codec, &codec_a, &dot, &clear_codec);
    assert_int_equal(hear(&r, "ax.tail"), SSP_END);
    assert_said(&r, SSP_UNWRAP, "xbye");
    assert_int_equal(hear(&r, "more"), SSP_END);
    rig_close(&r);
}

/* No layer behind the failure is told of an end: none says goodbye. */
static void a_failure_delivers_what_was_good_and_is_no_end(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &bye_codec, &codec_a, &bang_codec);
    assert_int_equal(hear(&r, "agood!bad"), SSP_FAIL);
    assert_said(&r, SSP_UNWRAP, "good");
    assert_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
}

CODEC_FN(whole_lines)
{
    size_t end = ssp_find(io, "\n", 1, 4096);
    UNUSED;
    if (end == SSP_NPOS)
        return SSP_FAIL;
    if (end == 0)
        return SSP_MORE;
    ssp_pass(io, end);
    return SSP_OK;
}

static void a_cut_inside_a_message_of_an_inner_layer_is_a_failure(void **unused)
{
    const ssp_codec lines = {
        .size = sizeof(ssp_codec), .name = "lines", .wrap = identity, .unwrap = whole_lines};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &lines, &codec_a);
    assert_int_equal(hear(&r, "aone\ntw"), SSP_MORE);
    assert_said(&r, SSP_UNWRAP, "one\n");
    assert_int_equal(ssp_drive_feed(r.drive, SSP_UNWRAP, "", 0, 1), SSP_FAIL);
    rig_close(&r);
}

static void a_message_that_begins_behind_a_preface_is_completed_without_it(void **unused)
{
    const ssp_codec lines = {
        .size = sizeof(ssp_codec), .name = "lines", .wrap = identity, .unwrap = whole_lines};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &lines, &codec_a);
    assert_int_equal(hear(&r, "ahal"), SSP_MORE);
    assert_said(&r, SSP_UNWRAP, "");
    assert_int_equal(hear(&r, "f\ntw"), SSP_MORE);
    assert_said(&r, SSP_UNWRAP, "half\n");
    assert_int_equal(hear(&r, "o\n"), SSP_MORE);
    assert_said(&r, SSP_UNWRAP, "two\n");
    rig_close(&r);
}

/* Fills its room, and ends in the call behind that. */
CODEC_FN(floods_and_ends)
{
    bool *flooded = state;
    size_t n, room = ssp_room_left(io);
    (void)conn;
    (void)ssp_in(io, &n);
    if (*flooded)
        return SSP_END;
    if (n == 0)
        return SSP_MORE;
    *flooded = true;
    memset(ssp_room(io, room), 'x', room);
    ssp_used(io, room);
    ssp_skip(io, n);
    return SSP_OK;
}

static void an_end_is_told_to_layers_that_have_nothing_more_to_read(void **unused)
{
    const ssp_codec flood = {.size = sizeof(ssp_codec),
                             .name = "flood",
                             .state_size = sizeof(bool),
                             .wrap = identity,
                             .unwrap = floods_and_ends};
    struct rig r;
    size_t n;
    (void)unused;
    RIG(&r, SSP_CLIENT, &bye_codec, &flood);
    assert_int_equal(hear(&r, "?"), SSP_END);
    const uint8_t *out = ssp_drive_output(r.drive, SSP_UNWRAP, &n);
    assert_true(n > 3);
    assert_memory_equal(out + n - 3, "bye", 3);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_layer_is_nearest_to_the_plain_side),
        cmocka_unit_test(a_stack_of_clear_layers_is_clear),
        cmocka_unit_test(a_stranger_to_the_wire_layer_is_a_stranger_to_all),
        cmocka_unit_test(a_stranger_to_an_inner_layer_is_diverted_through_the_outer_ones),
        cmocka_unit_test(a_client_has_no_strangers),
        cmocka_unit_test(a_layer_may_divert_the_whole),
        cmocka_unit_test(a_connection_is_diverted_before_its_first_plain_byte_or_never),
        cmocka_unit_test(what_a_layer_says_at_its_end_passes_the_outer_ones),
        cmocka_unit_test(a_layer_that_ends_by_itself_ends_the_direction),
        cmocka_unit_test(a_failure_delivers_what_was_good_and_is_no_end),
        cmocka_unit_test(a_cut_inside_a_message_of_an_inner_layer_is_a_failure),
        cmocka_unit_test(a_message_that_begins_behind_a_preface_is_completed_without_it),
        cmocka_unit_test(an_end_is_told_to_layers_that_have_nothing_more_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
