/* SPDX-License-Identifier: Apache-2.0 */
/* driven.h - a toy codec under test: its wrap direction, fed with text. */
#ifndef SSP_TESTS_DRIVEN_H
#define SSP_TESTS_DRIVEN_H

#include "codec_fn.h"

#include "codec/pump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CODEC(function)                                                                            \
    ((ssp_codec){                                                                                  \
        .size = sizeof(ssp_codec), .name = #function, .wrap = function, .unwrap = function})

static inline ssp_drive *drive_of(const ssp_codec *codec)
{
    ssp_drive *d = ssp_drive_new(codec, SSP_CLIENT, NULL, NULL);
    assert_non_null(d);
    return d;
}

static inline ssp_verdict feed(ssp_drive *d, const char *text)
{
    return ssp_drive_feed(d, SSP_WRAP, text, strlen(text), 0);
}

static inline ssp_verdict finish(ssp_drive *d)
{
    return ssp_drive_feed(d, SSP_WRAP, "", 0, 1);
}

static inline void assert_output(const ssp_drive *d, ssp_dir dir, const char *text)
{
    size_t n;
    const uint8_t *out = ssp_drive_output(d, dir, &n);
    assert_int_equal(n, strlen(text));
    if (n > 0)
        assert_memory_equal(out, text, n);
}

#endif
