/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blake3.c - BLAKE3 in portable C, for systems without libblake3.
 *
 * Names are those of the paper: a chunk of up to 1024 bytes is hashed block by block, and chunks
 * are the leaves of a binary tree whose left subtrees are complete.
 */
#include "crypto/blake3.h"

#include <sodium.h>
#include <string.h>

enum { BLOCK_LEN = 64, CHUNK_LEN = 1024, ROUNDS = 7, WORDS = 8 };

enum {
    CHUNK_START = 1 << 0,
    CHUNK_END = 1 << 1,
    PARENT = 1 << 2,
    ROOT = 1 << 3,
    DERIVE_KEY_CONTEXT = 1 << 5,
    DERIVE_KEY_MATERIAL = 1 << 6
};

static const uint32_t iv[WORDS] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                   0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

/* The input of one compression, beside its chaining value. */
struct block {
    const uint8_t *bytes; /* BLOCK_LEN of them */
    uint64_t counter;
    uint32_t len, flags;
};

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store(uint8_t *p, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(word >> (8 * i));
}

static uint32_t rotate(uint32_t word, int bits)
{
    return word >> bits | word << (32 - bits);
}

/* Mixes two words of the message into four of the state. */
static void quarter(uint32_t v[16], const uint8_t at[4], uint32_t x, uint32_t y)
{
    uint32_t *a = &v[at[0]], *b = &v[at[1]], *c = &v[at[2]], *d = &v[at[3]];
    *a += *b + x;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b + y;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

static void mix(uint32_t v[16], const uint32_t m[16])
{
    /* the columns, then the diagonals */
    static const uint8_t at[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
                                     {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14}};
    for (size_t i = 0; i < 8; i++)
        quarter(v, at[i], m[2 * i], m[2 * i + 1]);
}

/* Replaces the chaining value. */
static void compress(uint32_t cv[WORDS], const struct block *block)
{
    static const uint8_t order[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    uint32_t m[16], permuted[16], v[16];
    for (size_t i = 0; i < 16; i++)
        m[i] = load(block->bytes + 4 * i);
    memcpy(v, cv, WORDS * sizeof *v);
    memcpy(v + WORDS, iv, 4 * sizeof *v);
    v[12] = (uint32_t)block->counter;
    v[13] = (uint32_t)(block->counter >> 32);
    v[14] = block->len;
    v[15] = block->flags;
    for (int round = 0; round < ROUNDS; round++) {
        mix(v, m);
        for (int i = 0; i < 16; i++)
            permuted[i] = m[order[i]];
        memcpy(m, permuted, sizeof m);
    }
    for (int i = 0; i < WORDS; i++)
        cv[i] = v[i] ^ v[i + WORDS];
    sodium_memzero(m, sizeof m);
    sodium_memzero(permuted, sizeof permuted);
}

/* The use of a hash: its key and its flags. */
struct mode {
    const uint32_t *key;
    uint32_t flags; /* ROOT is for the last compression */
};

static struct mode inner(struct mode mode)
{
    return (struct mode){mode.key, mode.flags & ~(uint32_t)ROOT};
}

/* The last block is padded with zeros; an empty chunk has one block. */
static void chunk(struct mode mode, const uint8_t *in, size_t n, uint64_t counter,
                  uint32_t cv[WORDS])
{
    uint8_t last[BLOCK_LEN] = {0};
    uint32_t position = CHUNK_START;
    memcpy(cv, mode.key, WORDS * sizeof *cv);
    for (; n > BLOCK_LEN; in += BLOCK_LEN, n -= BLOCK_LEN, position = 0)
        compress(cv, &(struct block){in, counter, BLOCK_LEN, inner(mode).flags | position});
    if (n > 0)
        memcpy(last, in, n);
    compress(cv, &(struct block){last, counter, (uint32_t)n, mode.flags | position | CHUNK_END});
    sodium_memzero(last, sizeof last);
}

static void store_all(uint8_t *out, const uint32_t cv[WORDS])
{
    for (size_t i = 0; i < WORDS; i++)
        store(out + 4 * i, cv[i]);
}

/* The tree over n bytes, whose first chunk has that counter.  Its depth is that of the recursion.
 */
static void tree(struct mode mode, const uint8_t *in, size_t n, uint64_t counter,
                 uint32_t cv[WORDS])
{
    uint32_t half[WORDS];
    uint8_t pair[BLOCK_LEN];
    size_t left = CHUNK_LEN;
    if (n <= CHUNK_LEN) {
        chunk(mode, in, n, counter, cv);
        return;
    }
    while (left < n - left)
        left *= 2;
    tree(inner(mode), in, left, counter, half);
    store_all(pair, half);
    tree(inner(mode), in + left, n - left, counter + left / CHUNK_LEN, half);
    store_all(pair + SS_BLAKE3_LEN, half);
    memcpy(cv, mode.key, WORDS * sizeof *cv);
    compress(cv, &(struct block){pair, 0, BLOCK_LEN, mode.flags | PARENT});
}

static void digest(const uint32_t key[WORDS], const uint8_t *in, size_t n, uint32_t flags,
                   uint32_t cv[WORDS])
{
    tree((struct mode){key, flags | ROOT}, in, n, 0, cv);
}

void ss_blake3_hash(const uint8_t *in, size_t n, uint8_t out[SS_BLAKE3_LEN])
{
    uint32_t cv[WORDS];
    digest(iv, in, n, 0, cv);
    store_all(out, cv);
    sodium_memzero(cv, sizeof cv);
}

void ss_blake3_derive(const char *context, const uint8_t *material, size_t n,
                      uint8_t out[SS_BLAKE3_LEN])
{
    uint32_t key[WORDS], cv[WORDS];
    digest(iv, (const uint8_t *)context, strlen(context), DERIVE_KEY_CONTEXT, key);
    digest(key, material, n, DERIVE_KEY_MATERIAL, cv);
    store_all(out, cv);
    sodium_memzero(cv, sizeof cv);
}
