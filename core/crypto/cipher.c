/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cipher.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { EVP_METHODS = 4, SLOTS = 64 };

/* seal and open use a->nonce and do not advance it; n counts plaintext bytes. */
struct ss_engine {
    int (*start)(struct ss_aead *a);
    int (*seal)(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out);
    int (*open)(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out);
    void (*wipe)(struct ss_aead *a);
    const char *evp_name; /* libcrypto's name for it, or NULL */
    unsigned evp_slot;    /* below EVP_METHODS */
};

/* Fetching searches the providers under a lock, so a process does it once per method. */
static EVP_CIPHER *fetched(const struct ss_engine *engine)
{
    static _Atomic(EVP_CIPHER *) cache[EVP_METHODS];
    EVP_CIPHER *known = atomic_load(&cache[engine->evp_slot]);
    if (known != NULL)
        return known;
    EVP_CIPHER *fresh = EVP_CIPHER_fetch(NULL, engine->evp_name, NULL);
    if (atomic_compare_exchange_strong(&cache[engine->evp_slot], &known, fresh))
        return fresh;
    EVP_CIPHER_free(fresh);
    return known;
}

/* ---- contexts ---- */

/* A context and the direction whose key it has. */
struct slot {
    uint64_t serial; /* 0: of none */
    const struct ss_cipher *cipher;
    EVP_CIPHER_CTX *context; /* owned; NULL: none */
};

struct ss_contexts {
    uint64_t serials; /* given out */
    struct slot slot[SLOTS];
};

static struct slot *slot_of(const struct ss_aead *a)
{
    return &a->contexts->slot[a->serial % SLOTS];
}

/* libcrypto wipes the expanded key when it frees a context. */
static void empty(struct slot *slot)
{
    EVP_CIPHER_CTX_free(slot->context);
    *slot = (struct slot){.serial = 0};
}

struct ss_contexts *ss_contexts_new(void)
{
    return calloc(1, sizeof(struct ss_contexts));
}

void ss_contexts_free(struct ss_contexts *contexts)
{
    if (contexts == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        empty(&contexts->slot[i]);
    free(contexts);
}

/* Sets the key of a, in place of that of another direction, which is overwritten. */
static int take_over(struct slot *slot, const struct ss_aead *a)
{
    if (slot->cipher != a->cipher)
        empty(slot);
    EVP_CIPHER *method = slot->context == NULL ? fetched(a->cipher->engine) : NULL;
    if (slot->context == NULL && method != NULL)
        slot->context = EVP_CIPHER_CTX_new();
    slot->cipher = a->cipher;
    slot->serial = a->serial;
    if (slot->context != NULL &&
        EVP_EncryptInit_ex2(slot->context, method, a->key, NULL, NULL) == 1)
        return 0;
    empty(slot);
    return -1;
}

/* The context with the key of a, or NULL when memory is out. */
static EVP_CIPHER_CTX *context_of(const struct ss_aead *a)
{
    struct slot *slot = slot_of(a);
    if (slot->serial != a->serial && take_over(slot, a) == -1)
        return NULL;
    return slot->context;
}

/* ---- engines ---- */

static int evp_start(struct ss_aead *a)
{
    return take_over(slot_of(a), a);
}

static void evp_wipe(struct ss_aead *a)
{
    if (slot_of(a)->serial == a->serial)
        empty(slot_of(a));
}

/* The tag as parameter costs less than a ctrl, which builds the same parameter. */
static OSSL_PARAM tag_at(uint8_t *tag)
{
    return OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, SS_TAG_LEN);
}

static int evp_seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *context = context_of(a);
    OSSL_PARAM tag[] = {tag_at(out + n), OSSL_PARAM_construct_end()};
    int len;
    bool sealed = context != NULL &&
                  EVP_EncryptInit_ex2(context, NULL, NULL, a->nonce, NULL) == 1 &&
                  EVP_EncryptUpdate(context, out, &len, in, (int)n) == 1 &&
                  EVP_EncryptFinal_ex(context, out + n, &len) == 1 &&
                  EVP_CIPHER_CTX_get_params(context, tag) == 1;
    return sealed ? 0 : -1;
}

static int evp_open(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *context = context_of(a);
    uint8_t expected[SS_TAG_LEN], none[SS_TAG_LEN];
    for (size_t i = 0; i < sizeof expected; i++)
        expected[i] = in[n + i];
    OSSL_PARAM tag[] = {tag_at(expected), OSSL_PARAM_construct_end()};
    int len;
    bool authentic = context != NULL &&
                     EVP_DecryptInit_ex2(context, NULL, NULL, a->nonce, tag) == 1 &&
                     EVP_DecryptUpdate(context, out, &len, in, (int)n) == 1 &&
                     EVP_DecryptFinal_ex(context, none, &len) == 1;
    return authentic ? 0 : -1;
}

/* libsodium needs the key alone. */
static int xchacha_start(struct ss_aead *a)
{
    (void)a;
    return 0;
}

static void xchacha_wipe(struct ss_aead *a)
{
    (void)a;
}

static int xchacha_seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    return crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, out + n, NULL, in, n, NULL, 0,
                                                               NULL, a->nonce, a->key);
}

static int xchacha_open(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL, in, n, in + n, NULL, 0,
                                                               a->nonce, a->key);
}

static const struct ss_engine aes_128 = {evp_start, evp_seal, evp_open, evp_wipe, "AES-128-GCM", 0};
static const struct ss_engine aes_192 = {evp_start, evp_seal, evp_open, evp_wipe, "AES-192-GCM", 1};
static const struct ss_engine aes_256 = {evp_start, evp_seal, evp_open, evp_wipe, "AES-256-GCM", 2};
static const struct ss_engine chacha = {evp_start,           evp_seal, evp_open, evp_wipe,
                                        "ChaCha20-Poly1305", 3};
static const struct ss_engine xchacha = {xchacha_start, xchacha_seal, xchacha_open,
                                         xchacha_wipe,  NULL,         0};

const struct ss_cipher ss_ciphers[SS_CIPHERS] = {
    /* name; key, salt, nonce and tag length; engine */
    [SS_AES_128_GCM] = {"aes-128-gcm", 16, 16, 12, SS_TAG_LEN, &aes_128},
    [SS_AES_192_GCM] = {"aes-192-gcm", 24, 24, 12, SS_TAG_LEN, &aes_192},
    [SS_AES_256_GCM] = {"aes-256-gcm", 32, 32, 12, SS_TAG_LEN, &aes_256},
    [SS_CHACHA20_POLY1305] = {"chacha20-ietf-poly1305", 32, 32, 12, SS_TAG_LEN, &chacha},
    [SS_XCHACHA20_POLY1305] = {"xchacha20-ietf-poly1305", 32, 32, 24, SS_TAG_LEN, &xchacha},
};

int ss_aead_start(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                  const uint8_t *key)
{
    *a = (struct ss_aead){.cipher = cipher, .contexts = contexts, .serial = ++contexts->serials};
    if (ss_aead_restart(a, key) == 0)
        return 0;
    ss_aead_wipe(a);
    return -1;
}

int ss_aead_restart(struct ss_aead *a, const uint8_t *key)
{
    memcpy(a->key, key, a->cipher->key_len);
    sodium_memzero(a->nonce, sizeof a->nonce);
    return a->cipher->engine->start(a);
}

int ss_aead_seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    if (n > INT_MAX - SS_TAG_LEN)
        return -1;
    int rc = a->cipher->engine->seal(a, in, n, out);
    sodium_increment(a->nonce, a->cipher->nonce_len);
    return rc;
}

int ss_aead_open(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    if (n < SS_TAG_LEN || n > INT_MAX)
        return -1;
    int rc = a->cipher->engine->open(a, in, n - SS_TAG_LEN, out);
    if (rc != 0)
        sodium_memzero(out, n - SS_TAG_LEN);
    sodium_increment(a->nonce, a->cipher->nonce_len);
    return rc;
}

void ss_aead_wipe(struct ss_aead *a)
{
    if (a->cipher != NULL)
        a->cipher->engine->wipe(a);
    sodium_memzero(a, sizeof *a);
}
