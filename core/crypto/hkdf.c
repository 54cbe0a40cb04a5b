/* SPDX-License-Identifier: Apache-2.0 */
/* hkdf.c - ten blocks of SHA-1 for a key of 32 bytes, where EVP costs ten times as much. */
#define OPENSSL_SUPPRESS_DEPRECATED /* no other function of libcrypto hashes one block */
#include "crypto/hkdf.h"

#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

enum { BLOCK_LEN = 64, LENGTH_AT = BLOCK_LEN - 8 };

/* The states of HMAC behind the two blocks that its key fills. */
struct keyed {
    SHA_CTX inner, outer;
};

static void put_word(uint8_t *to, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void begin(SHA_CTX *state, const uint8_t *key, uint8_t pad)
{
    uint8_t block[BLOCK_LEN];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    (void)SHA1_Init(state);
    SHA1_Transform(state, block);
    sodium_memzero(block, sizeof block);
}

/* The n bytes in front of block follow that of the key, and end the message.  hash may be in block.
 */
static void finish(SHA_CTX state, uint8_t block[BLOCK_LEN], size_t n, uint8_t *hash)
{
    memset(block + n, 0, BLOCK_LEN - n);
    block[n] = 0x80;
    put_word(block + LENGTH_AT + 4, (uint32_t)(8 * (BLOCK_LEN + n)));
    SHA1_Transform(&state, block);
    const uint32_t words[] = {state.h0, state.h1, state.h2, state.h3, state.h4};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        put_word(hash + 4 * i, words[i]);
    sodium_memzero(&state, sizeof state);
}

/* key has BLOCK_LEN bytes, zeros behind its own. */
static void set_key(struct keyed *k, const uint8_t *key)
{
    begin(&k->inner, key, 0x36);
    begin(&k->outer, key, 0x5c);
}

/* HMAC of the n bytes in front of block. */
static void hmac(const struct keyed *k, uint8_t block[BLOCK_LEN], size_t n, uint8_t *mac)
{
    finish(k->inner, block, n, block);
    finish(k->outer, block, SS_HKDF_HASH_LEN, mac);
}

static size_t put(uint8_t *block, size_t at, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(block + at, bytes, n);
    return at + n;
}

static void expand(const struct keyed *k, struct ss_span info, uint8_t *out, size_t n)
{
    uint8_t mac[SS_HKDF_HASH_LEN], block[BLOCK_LEN];
    for (uint8_t round = 1; n > 0; round++) {
        size_t len = put(block, 0, mac, round > 1 ? sizeof mac : 0);
        len = put(block, len, info.bytes, info.len);
        len = put(block, len, &round, 1);
        hmac(k, block, len, mac);
        size_t take = n < sizeof mac ? n : sizeof mac;
        memcpy(out, mac, take);
        out += take;
        n -= take;
    }
    sodium_memzero(mac, sizeof mac);
    sodium_memzero(block, sizeof block);
}

int ss_hkdf_sha1(struct ss_span secret, struct ss_span salt, struct ss_span info, uint8_t *out,
                 size_t out_len)
{
    uint8_t key[BLOCK_LEN] = {0}, block[BLOCK_LEN];
    struct keyed k;
    if (secret.len > SS_HKDF_SECRET_MAX || salt.len > SS_HKDF_SALT_MAX ||
        info.len > SS_HKDF_INFO_MAX || out_len > SS_HKDF_OUT_MAX)
        return -1;
    (void)put(key, 0, salt.bytes, salt.len);
    set_key(&k, key);
    memset(key, 0, sizeof key);
    hmac(&k, block, put(block, 0, secret.bytes, secret.len), key);
    set_key(&k, key);
    expand(&k, info, out, out_len);
    sodium_memzero(key, sizeof key);
    sodium_memzero(block, sizeof block);
    sodium_memzero(&k, sizeof k);
    return 0;
}
