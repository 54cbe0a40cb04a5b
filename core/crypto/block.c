/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/block.h"

#include <openssl/evp.h>
#include <stdatomic.h>

enum { METHODS = 2 };

/* Fetched once, as the ciphers are. */
static EVP_CIPHER *method_of(size_t key_len)
{
    static _Atomic(EVP_CIPHER *) cache[METHODS];
    static const char *const name[METHODS] = {"AES-128-ECB", "AES-256-ECB"};
    size_t i = key_len == 16 ? 0 : 1;
    EVP_CIPHER *known = atomic_load(&cache[i]);
    if (known != NULL)
        return known;
    EVP_CIPHER *fresh = EVP_CIPHER_fetch(NULL, name[i], NULL);
    if (atomic_compare_exchange_strong(&cache[i], &known, fresh))
        return fresh;
    EVP_CIPHER_free(fresh);
    return known;
}

int ss_block_key(struct ss_block *b, bool encrypts, const uint8_t *key, size_t key_len)
{
    EVP_CIPHER *method = b->context == NULL ? method_of(key_len) : NULL;
    if (b->context == NULL && method != NULL)
        b->context = EVP_CIPHER_CTX_new();
    if (b->context != NULL &&
        EVP_CipherInit_ex2(b->context, method, key, NULL, encrypts, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(b->context, 0) == 1)
        return 0;
    ss_block_wipe(b);
    return -1;
}

int ss_block_run(struct ss_block *b, const uint8_t in[SS_BLOCK_LEN], uint8_t out[SS_BLOCK_LEN])
{
    int len = 0;
    bool done = EVP_CipherUpdate(b->context, out, &len, in, SS_BLOCK_LEN) == 1;
    return done && len == SS_BLOCK_LEN ? 0 : -1;
}

void ss_block_wipe(struct ss_block *b)
{
    EVP_CIPHER_CTX_free(b->context);
    b->context = NULL;
}
