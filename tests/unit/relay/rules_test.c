/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a codec call: whoever breaks one is told which. */
#include "driven.h"

CODEC_FN(spins)
{
    UNUSED;
    return SSP_OK;
}

CODEC_FN(wants_the_world)
{
    UNUSED;
    ssp_need(io, SSP_WINDOW + 1);
    return SSP_MORE;
}

CODEC_FN(puts_too_much)
{
    static const char block[4097];
    UNUSED;
    while (ssp_room_left(io) >= sizeof block)
        ssp_put(io, block, sizeof block);
    ssp_put(io, block, sizeof block);
    return SSP_OK;
}

CODEC_FN(asks_for_too_much_room)
{
    UNUSED;
    return ssp_room(io, 4097) == NULL ? SSP_OK : SSP_FAIL;
}

CODEC_FN(regrets)
{
    UNUSED;
    ssp_skip(io, 1);
    return SSP_FOREIGN;
}

CODEC_FN(passes_ahead_twice)
{
    UNUSED;
    ssp_pass_ahead(io, 1000);
    ssp_pass_ahead(io, 1);
    return SSP_OK;
}

CODEC_FN(uses_too_much)
{
    UNUSED;
    ssp_used(io, ssp_room_left(io) + 1);
    return SSP_OK;
}

CODEC_FN(skips_too_much)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_skip(io, n + 1);
    return SSP_OK;
}

CODEC_FN(passes_too_much)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_pass(io, n + 1);
    return SSP_OK;
}

CODEC_FN(formats_too_much)
{
    UNUSED;
    (void)ssp_putf(io, "%5000d", 1);
    return SSP_OK;
}

CODEC_FN(replies_too_much)
{
    static const char block[SSP_IO_REPLY_MAX + 1];
    UNUSED;
    ssp_reply(io, block, sizeof block);
    return SSP_OK;
}

CODEC_FN(replies_for_ever)
{
    static const char block[SSP_IO_REPLY_MAX];
    UNUSED;
    for (int i = 0; i < 65; i++)
        ssp_reply(io, block, sizeof block);
    return SSP_OK;
}

CODEC_FN(invents)
{
    UNUSED;
    return (ssp_verdict)42;
}

static void every_broken_rule_ends_the_direction_and_is_named(void **unused)
{
    static const struct {
        ssp_codec_fn *fn;
        const char *rule;
    } rows[] = {
        {spins, "answers OK without progress"},
        {wants_the_world, "asks for more input than the window holds"},
        {puts_too_much, "puts more than its room"},
        {asks_for_too_much_room, "asks for more room than min_room"},
        {regrets, "answers FOREIGN after it consumed"},
        {passes_ahead_twice, "passes ahead twice"},
        {uses_too_much, "uses more than its room"},
        {skips_too_much, "skips more than is unread"},
        {passes_too_much, "passes more than is unread"},
        {formats_too_much, "formats more than 4096 bytes"},
        {replies_too_much, "replies more than 16 KiB"},
        {replies_for_ever, "replies while memory is out"},
        {invents, "answers an unknown verdict"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const ssp_codec codec = {.name = "wrong", .wrap = rows[i].fn, .unwrap = rows[i].fn};
        ssp_drive *d = drive_of(&codec);
        ssp_drive_window(d, 1);
        assert_int_equal(feed(d, "hello"), SSP_FAIL);
        assert_non_null(ssp_drive_broken_rule(d));
        assert_string_equal(ssp_drive_broken_rule(d), rows[i].rule);
        assert_int_equal(feed(d, "again"), SSP_FAIL);
        ssp_drive_free(d);
    }
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
        cmocka_unit_test(more_with_a_full_window_breaks_a_rule),
        cmocka_unit_test(ok_without_input_is_no_broken_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
