/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a codec call: whoever breaks one is told which. */
#include "breakers.h"
#include "driven.h"

static void every_broken_rule_ends_the_direction_and_is_named(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BREAKERS; i++) {
        const ssp_codec codec = {.size = sizeof(ssp_codec),
                                 .name = "wrong",
                                 .wrap = breakers[i].fn,
                                 .unwrap = breakers[i].fn};
        ssp_drive *d = drive_of(&codec);
        ssp_drive_window(d, 1);
        assert_int_equal(feed(d, "hello"), SSP_FAIL);
        assert_non_null(ssp_drive_broken_rule(d));
        assert_string_equal(ssp_drive_broken_rule(d), breakers[i].rule);
        assert_int_equal(feed(d, "again"), SSP_FAIL);
        ssp_drive_free(d);
    }
}

CODEC_FN(regrets_later)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    if (n > 0 && *p == '?')
        return SSP_FOREIGN;
    ssp_skip(io, n);
    return SSP_MORE;
}

static void what_was_consumed_in_an_earlier_feed_counts(void **unused)
{
    const ssp_codec codec = CODEC(regrets_later);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "x"), SSP_MORE);
    assert_int_equal(feed(d, "?"), SSP_FAIL);
    assert_string_equal(ssp_drive_broken_rule(d), "answers FOREIGN after it consumed");
    ssp_drive_free(d);
}

CODEC_FN(hoards)
{
    UNUSED;
    return SSP_MORE;
}

/* A session would wait for the other direction; a driver has nobody to wait for. */
static void more_with_a_full_window_breaks_a_rule(void **unused)
{
    static const char block[SSP_WINDOW];
    const ssp_codec codec = CODEC(hoards);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, block, sizeof block, 0), SSP_MORE);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, block, 1, 0), SSP_FAIL);
    assert_string_equal(ssp_drive_broken_rule(d), "asks for more input than the window holds");
    ssp_drive_free(d);
}

CODEC_FN(idles)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_skip(io, n);
    return SSP_OK;
}

static void ok_without_input_is_no_broken_rule(void **unused)
{
    const ssp_codec codec = CODEC(idles);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, ""), SSP_MORE);
    assert_int_equal(feed(d, "x"), SSP_MORE);
    assert_int_equal(finish(d), SSP_END);
    assert_null(ssp_drive_broken_rule(d));
    ssp_drive_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_rule_ends_the_direction_and_is_named),
        cmocka_unit_test(what_was_consumed_in_an_earlier_feed_counts),
        cmocka_unit_test(more_with_a_full_window_breaks_a_rule),
        cmocka_unit_test(ok_without_input_is_no_broken_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
