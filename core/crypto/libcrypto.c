/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/engine.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { CHACHA, GCM_128, GCM_192, GCM_256, METHODS };

static const char *const names[METHODS] = {
    [CHACHA] = "ChaCha20-Poly1305",
    [GCM_128] = "AES-128-GCM",
    [GCM_192] = "AES-192-GCM",
    [GCM_256] = "AES-256-GCM",
};

/* Fetching searches the providers under a lock, so a process does it once per cipher. */
static EVP_CIPHER *fetched(const struct ss_cipher *cipher)
{
    static _Atomic(EVP_CIPHER *) cache[METHODS];
    int i = cipher->is_gcm ? GCM_128 + (cipher->key_len - 16) / 8 : CHACHA;
    EVP_CIPHER *known = atomic_load(&cache[i]);
    if (known != NULL)
        return known;
    EVP_CIPHER *fresh = EVP_CIPHER_fetch(NULL, names[i], NULL);
    if (atomic_compare_exchange_strong(&cache[i], &known, fresh))
        return fresh;
    EVP_CIPHER_free(fresh);
    return known;
}

static int expand(const struct ss_engine *engine, const struct ss_aead *a, void **expanded)
{
    (void)engine;
    EVP_CIPHER *method = *expanded == NULL ? fetched(a->cipher) : NULL;
    if (*expanded == NULL && method != NULL)
        *expanded = EVP_CIPHER_CTX_new();
    bool set = *expanded != NULL && EVP_EncryptInit_ex2(*expanded, method, a->key, NULL, NULL) == 1;
    return set ? 0 : -1;
}

/* libcrypto wipes the expanded key when it frees a context. */
static void drop(void *expanded)
{
    EVP_CIPHER_CTX_free(expanded);
}

/* The tag as parameter costs less than a ctrl, which builds the same parameter. */
static OSSL_PARAM tag_at(uint8_t *tag)
{
    return OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, SS_TAG_LEN);
}

static int seal(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out)
{
    OSSL_PARAM tag[] = {tag_at(out + n), OSSL_PARAM_construct_end()};
    int len;
    bool sealed = EVP_EncryptInit_ex2(expanded, NULL, NULL, a->nonce, NULL) == 1 &&
                  EVP_EncryptUpdate(expanded, out, &len, in, (int)n) == 1 &&
                  EVP_EncryptFinal_ex(expanded, out + n, &len) == 1 &&
                  EVP_CIPHER_CTX_get_params(expanded, tag) == 1;
    return sealed ? 0 : -1;
}

static int open(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out)
{
    uint8_t expected[SS_TAG_LEN], none[SS_TAG_LEN];
    for (size_t i = 0; i < sizeof expected; i++)
        expected[i] = in[n + i];
    OSSL_PARAM tag[] = {tag_at(expected), OSSL_PARAM_construct_end()};
    int len;
    bool authentic = EVP_DecryptInit_ex2(expanded, NULL, NULL, a->nonce, tag) == 1 &&
                     EVP_DecryptUpdate(expanded, out, &len, in, (int)n) == 1 &&
                     EVP_DecryptFinal_ex(expanded, none, &len) == 1;
    return authentic ? 0 : -1;
}

const struct ss_engine ss_engine_libcrypto = {expand, drop, seal, open};
