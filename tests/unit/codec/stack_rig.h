/* SPDX-License-Identifier: Apache-2.0 */
/* stack_rig.h - a stack of toys under a driver. */
#ifndef SSP_TESTS_STACK_RIG_H
#define SSP_TESTS_STACK_RIG_H

#include "driven.h"

enum { LAYERS_MAX = 4 };

struct rig {
    ssp_stack *stack;
    ssp_drive *drive;
};

static inline void rig_open(struct rig *r, ssp_role role, const ssp_codec *const *codec, size_t n)
{
    static const void *const no_conf[LAYERS_MAX];
    r->stack = ssp_stack_new(codec, no_conf, n);
    assert_non_null(r->stack);
    r->drive = ssp_drive_new(ssp_stack_codec(r->stack), role, r->stack, NULL);
    assert_non_null(r->drive);
}

#define RIG(r, role, ...)                                                                          \
    rig_open(r, role, (const ssp_codec *const[]){__VA_ARGS__},                                     \
             sizeof((const ssp_codec *const[]){__VA_ARGS__}) / sizeof(ssp_codec *))

static inline void rig_close(struct rig *r)
{
    ssp_drive_free(r->drive);
    ssp_stack_free(r->stack);
}

static inline ssp_verdict hear(struct rig *r, const char *text)
{
    return ssp_drive_feed(r->drive, SSP_UNWRAP, text, strlen(text), 0);
}

static inline void assert_said(struct rig *r, ssp_dir dir, const char *text)
{
    size_t n;
    assert_output(r->drive, dir, text);
    (void)ssp_drive_output(r->drive, dir, &n);
    ssp_drive_take(r->drive, dir, n);
}

/* ---- toys: each marks what goes through it, a letter for each run of bytes ---- */

static inline ssp_verdict mark(ssp_io *io, const char *letter)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_put(io, letter, 1);
    ssp_pass(io, n);
    return SSP_OK;
}

static inline ssp_verdict unmark(ssp_io *io, char letter)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (*p != (uint8_t)letter)
        return SSP_FOREIGN;
    ssp_skip(io, 1);
    return SSP_CLEAR;
}

CODEC_FN(wrap_a)
{
    UNUSED;
    return mark(io, "a");
}

CODEC_FN(unwrap_a)
{
    UNUSED;
    return unmark(io, 'a');
}

CODEC_FN(wrap_b)
{
    UNUSED;
    return mark(io, "b");
}

CODEC_FN(unwrap_b)
{
    UNUSED;
    return unmark(io, 'b');
}

CODEC_FN(identity)
{
    UNUSED;
    return SSP_CLEAR;
}

static const ssp_codec codec_a = {
    .size = sizeof(ssp_codec), .name = "a", .wrap = wrap_a, .unwrap = unwrap_a};
static const ssp_codec codec_b = {
    .size = sizeof(ssp_codec), .name = "b", .wrap = wrap_b, .unwrap = unwrap_b};
static const ssp_codec clear_codec = {
    .size = sizeof(ssp_codec), .name = "clear", .wrap = identity, .unwrap = identity};

CODEC_FN(says_bye)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_pass(io, n);
    if (!ssp_eof(io))
        return n > 0 ? SSP_OK : SSP_MORE;
    ssp_put(io, "bye", 3);
    return SSP_END;
}

CODEC_FN(fails_at_bang)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    const uint8_t *bang = n > 0 ? memchr(p, '!', n) : NULL;
    if (n == 0)
        return SSP_MORE;
    ssp_pass(io, bang != NULL ? (size_t)(bang - p) : n);
    return bang != NULL ? SSP_FAIL : SSP_OK;
}

static const ssp_codec bye_codec = {
    .size = sizeof(ssp_codec), .name = "bye", .wrap = says_bye, .unwrap = says_bye};
static const ssp_codec bang_codec = {
    .size = sizeof(ssp_codec), .name = "bang", .wrap = fails_at_bang, .unwrap = fails_at_bang};

#endif
