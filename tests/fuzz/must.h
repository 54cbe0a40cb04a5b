/* SPDX-License-Identifier: Apache-2.0 */
/* must.h - what every fuzz target has: its entry, and an assertion that holds in every build. */
#ifndef SSP_TESTS_MUST_H
#define SSP_TESTS_MUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool claim)
{
    if (!claim)
        abort();
}

#endif
