/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void find_remembers_how_far_it_looked(void **unused)
{
    ssp_io io = {.in = (const uint8_t *)"abcdefgh", .in_len = 8};
    (void)unused;
    assert_int_equal(ssp_find(&io, "XY", 2, 100), 0);

    /* Bytes that were searched are not searched again, not even for a hit; the seam is. */
    ssp_io next = {.in = (const uint8_t *)"XYcdefgXYz", .in_len = 10, .scanned = io.scanned};
    assert_int_equal(ssp_find(&next, "XY", 2, 100), 9);
}

static void find_begins_anew_behind_consumed_input(void **unused)
{
    ssp_io io = {.in = (const uint8_t *)"abcdXYefXY", .in_len = 10};
    (void)unused;
    assert_int_equal(ssp_find(&io, "??", 2, 100), 0);
    ssp_skip(&io, 2);
    assert_int_equal(ssp_find(&io, "XY", 2, 100), 4);
}

static void find_gives_up_at_its_limit(void **unused)
{
    ssp_io io = {.in = (const uint8_t *)"abcdXY", .in_len = 6};
    (void)unused;
    assert_int_equal(ssp_find(&io, "XY", 2, 7), 6);
    assert_int_equal(ssp_find(&io, "XY", 2, 6), 6);
    assert_int_equal(ssp_find(&io, "XY", 2, 5), SSP_NPOS);
    ssp_io empty = {.in = NULL};
    assert_int_equal(ssp_find(&empty, "XY", 2, 5), 0);
}

static void a_put_lengthens_the_run_before_it(void **unused)
{
    uint8_t out[16];
    ssp_io io = {.out = out, .out_cap = sizeof out};
    (void)unused;
    ssp_put(&io, "ab", 2);
    ssp_put(&io, "cd", 2);
    assert_int_equal(ssp_putf(&io, "%d", 12345), 5);
    assert_int_equal(io.pieces, 1);
    assert_int_equal(io.total, 9);
    assert_memory_equal(io.piece[0].iov_base, "abcd12345", 9);
    assert_int_equal(ssp_room_left(&io), 7);
    assert_null(io.rule);
}

static void room_that_is_refused_is_remembered_until_the_next_call(void **unused)
{
    uint8_t out[16];
    ssp_io io = {.out = out, .out_cap = sizeof out};
    (void)unused;
    assert_ptr_equal(ssp_room(&io, 16), out);
    assert_false(io.starved);
    assert_null(ssp_room(&io, 17));
    assert_true(io.starved);
    assert_null(io.rule);
}

static void only_the_first_broken_rule_is_kept(void **unused)
{
    ssp_io io = {.in = (const uint8_t *)"x", .in_len = 1};
    (void)unused;
    ssp_skip(&io, 2);
    ssp_pass(&io, 2);
    assert_string_equal(io.rule, "skips more than is unread");
    assert_int_equal(io.in_len, 1);
    assert_int_equal(io.total, 0);
}

static void what_has_no_bytes_does_nothing(void **unused)
{
    ssp_io io = {.in = (const uint8_t *)"x", .in_len = 1};
    (void)unused;
    ssp_skip(&io, 0);
    ssp_pass(&io, 0);
    ssp_pass_ahead(&io, 0);
    ssp_put(&io, "", 0);
    ssp_used(&io, 0);
    assert_int_equal(io.pieces, 0);
    assert_false(io.consumed);
    assert_null(io.rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_remembers_how_far_it_looked),
        cmocka_unit_test(find_begins_anew_behind_consumed_input),
        cmocka_unit_test(find_gives_up_at_its_limit),
        cmocka_unit_test(a_put_lengthens_the_run_before_it),
        cmocka_unit_test(room_that_is_refused_is_remembered_until_the_next_call),
        cmocka_unit_test(only_the_first_broken_rule_is_kept),
        cmocka_unit_test(what_has_no_bytes_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
