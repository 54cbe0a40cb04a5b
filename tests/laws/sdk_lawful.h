/* SPDX-License-Identifier: Apache-2.0 */
/* sdk_lawful.h - what a test says of a codec: that it keeps every law, or which one it breaks. */
#ifndef SSP_TESTS_SDK_LAWFUL_H
#define SSP_TESTS_SDK_LAWFUL_H

#include <ssplugin/testing.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline const char *law_broken_by(const ssp_codec *codec)
{
    return ssp_laws_check(&(ssp_law_subject){.codec = codec});
}

static inline void assert_lawful(const ssp_codec *codec)
{
    const char *law = law_broken_by(codec);
    if (law != NULL)
        fail_msg("%s: %s", codec->name, law);
}

/* The sentence must name what went wrong, not only that something did. */
static inline void assert_breaks(const ssp_codec *codec, const char *sentence)
{
    const char *law = law_broken_by(codec);
    if (law == NULL)
        fail_msg("%s passes, but should fail: %s", codec->name, sentence);
    else if (strstr(law, sentence) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s\"", codec->name, sentence, law);
}

#endif
