/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/mask.h"

#include <string.h>

/* As wide as the vectors that all 64-bit machines have; compilers split it for the others. */
typedef uint64_t words __attribute__((vector_size(16)));

enum { WORD = sizeof(words), BLOCK = 4 * WORD };

static void mask_word(uint8_t *to, const uint8_t *from, words key)
{
    words word;
    memcpy(&word, from, WORD);
    word ^= key;
    memcpy(to, &word, WORD);
}

void ws_mask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t key[WS_KEY_LEN])
{
    uint8_t repeated[WORD];
    words word;
    for (size_t i = 0; i < WORD; i++)
        repeated[i] = key[i % WS_KEY_LEN];
    memcpy(&word, repeated, WORD);

    size_t done = 0;
    for (; n - done >= BLOCK; done += BLOCK) {
        for (size_t at = done; at < done + BLOCK; at += WORD)
            mask_word(to + at, from + at, word);
    }
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
