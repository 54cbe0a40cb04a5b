/* SPDX-License-Identifier: Apache-2.0 */
/* must.h - what every fuzz target has: its entry, and an assertion that holds in every build. */
#ifndef SSP_TESTS_MUST_H
#define SSP_TESTS_MUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool claim)
{
    if (!claim)
        abort();
}

/* The input as a text, of exactly its size, so that a sanitizer sees every read past the end; the
 * caller's. */
static inline char *must_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
