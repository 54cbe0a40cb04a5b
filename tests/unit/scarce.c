/* SPDX-License-Identifier: Apache-2.0 */
#include "scarce.h"

#include <stddef.h>

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): of the one allocator */
static unsigned long count, failing;
static bool all_behind;
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

void *__real_malloc(size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *block, size_t size);

void scarce_from(unsigned long n, bool for_good)
{
    count = 0;
    failing = n;
    all_behind = for_good;
}

unsigned long scarce_count(void)
{
    return count;
}

static bool fails(void)
{
    count++;
    return failing > 0 && (count == failing || (all_behind && count > failing));
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}
