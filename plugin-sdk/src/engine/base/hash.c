/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* One round of SipHash. */
static void stir(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t ssp__hash(const uint64_t key[2], const uint64_t *word, size_t n)
{
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    for (size_t i = 0; i < n; i++) {
        v[3] ^= word[i];
        stir(v);
        v[0] ^= word[i];
    }
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 3; i++)
        stir(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
