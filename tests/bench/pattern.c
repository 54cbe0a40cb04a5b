/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include <stdlib.h>
#include <string.h>

enum { EDGE = 64 };

/* xorshift64: no bytes that a careless relay could compress or guess. */
static uint64_t next(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

struct pattern *pattern_new(void)
{
    struct pattern *p = malloc(sizeof *p);
    if (p == NULL)
        return NULL;

    uint64_t x = 0x9e3779b97f4a7c15;
    for (size_t i = 0; i < PATTERN_PERIOD; i += sizeof x) {
        x = next(x);
        memcpy(p->bytes + i, &x, sizeof x);
    }
    memcpy(p->bytes + PATTERN_PERIOD, p->bytes, SLICE);
    return p;
}

const uint8_t *pattern_at(const struct pattern *p, uint64_t offset)
{
    return p->bytes + offset % PATTERN_PERIOD;
}

bool pattern_matches(const struct pattern *p, uint64_t offset, const uint8_t *data, size_t n)
{
    size_t edge = n < EDGE ? n : EDGE;
    return memcmp(data, pattern_at(p, offset), edge) == 0 &&
           memcmp(data + n - edge, pattern_at(p, offset + n - edge), edge) == 0;
}
