/* SPDX-License-Identifier: Apache-2.0 */
/* breakers.h - for each rule of a codec call a function that breaks it, whichever its direction. */
#ifndef SSP_TESTS_BREAKERS_H
#define SSP_TESTS_BREAKERS_H

#include "codec_fn.h"

#include "base/io.h"

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
    return ssp_room(io, ssp_room_left(io) + 1) == NULL ? SSP_OK : SSP_FAIL;
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

static const struct {
    ssp_codec_fn *fn;
    const char *rule;
} breakers[] = {
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

enum { BREAKERS = sizeof breakers / sizeof breakers[0] };

#endif
