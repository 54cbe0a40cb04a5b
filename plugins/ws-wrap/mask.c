/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/mask.h"

#include <string.h>

enum { WORDS = 8, BLOCK = WORDS * sizeof(uint64_t) };

/* Whole words without a look at alignment: compilers make vectors of these loops. */
static void mask_block(uint8_t *to, const uint8_t *from, uint64_t key)
{
    uint64_t word[WORDS];
    memcpy(word, from, BLOCK);
    for (unsigned i = 0; i < WORDS; i++)
        word[i] ^= key;
    memcpy(to, word, BLOCK);
}

void ws_mask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t key[WS_KEY_LEN])
{
    uint8_t twice[2 * WS_KEY_LEN];
    uint64_t word;
    memcpy(twice, key, WS_KEY_LEN);
    memcpy(twice + WS_KEY_LEN, key, WS_KEY_LEN);
    memcpy(&word, twice, sizeof word);

    size_t done = 0;
    for (; n - done >= BLOCK; done += BLOCK)
        mask_block(to + done, from + done, word);
    for (; done < n; done++)
        to[done] = from[done] ^ key[done % WS_KEY_LEN];
}

void ws_mask_turn(uint8_t key[WS_KEY_LEN], uint64_t n)
{
    uint8_t turned[WS_KEY_LEN];
    for (unsigned i = 0; i < WS_KEY_LEN; i++)
        turned[i] = key[(n + i) % WS_KEY_LEN];
    memcpy(key, turned, WS_KEY_LEN);
}
