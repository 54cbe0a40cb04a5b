/* SPDX-License-Identifier: Apache-2.0 */
#include "store/salts.h"

#include <string.h>

enum { WORD = 8 };

static uint8_t *put(uint8_t *out, uint64_t n)
{
    for (int i = WORD - 1; i >= 0; i--, n >>= 8)
        out[i] = (uint8_t)n;
    return out + WORD;
}

static uint64_t get(const uint8_t **in)
{
    uint64_t n = 0;
    for (int i = 0; i < WORD; i++)
        n = n << 8 | *(*in)++;
    return n;
}

void ss_store_salt_write(uint8_t out[SS_STORE_SALT], const struct ss_recent_kept *kept)
{
    uint8_t *at = put(out, kept->ring);
    at = put(at, (uint64_t)kept->stamp);
    at = put(at, (uint64_t)kept->seen);
    memcpy(at, kept->hash, SS_RECENT_HASH);
}

void ss_store_salt_read(struct ss_recent_kept *kept, const uint8_t in[SS_STORE_SALT])
{
    kept->ring = get(&in);
    kept->stamp = (int64_t)get(&in);
    kept->seen = (int64_t)get(&in);
    memcpy(kept->hash, in, SS_RECENT_HASH);
}
