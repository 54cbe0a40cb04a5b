/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/amount.h"

#include <string.h>

/* 1 EiB: sums of some are still numbers. */
#define AMOUNT_MAX (UINT64_C(1) << 60)

int ss_amount_read(uint64_t *bytes, const char *text)
{
    static const char units[] = "KMGT", small[] = "kmgt";
    size_t digits = strspn(text, "0123456789");
    uint64_t n = 0;
    if (digits == 0)
        return -1;
    for (size_t i = 0; i < digits && n <= AMOUNT_MAX; i++)
        n = n * 10 + (uint64_t)(text[i] - '0');
    const char *rest = text + digits;
    const char *unit = *rest != '\0' ? strchr(units, *rest) : NULL;
    const char *same = *rest != '\0' ? strchr(small, *rest) : NULL;
    unsigned power = unit != NULL   ? (unsigned)(unit - units) + 1
                     : same != NULL ? (unsigned)(same - small) + 1
                                    : 0;
    if (rest[power > 0 ? 1 : 0] != '\0' || n > AMOUNT_MAX >> (10 * power))
        return -1;
    *bytes = n << (10 * power);
    return 0;
}
