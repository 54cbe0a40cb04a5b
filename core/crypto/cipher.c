/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cipher.h"

#include "crypto/engine.h"

#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64 };

/* ---- contexts ---- */

/* An expanded key and the direction that it belongs to. */
struct slot {
    uint64_t serial; /* 0: of none */
    const struct ss_cipher *cipher;
    void *expanded; /* owned, of the cipher's engine; NULL: none */
};

struct ss_contexts {
    pthread_t thread;
    _Atomic(struct ss_contexts *) next; /* of another thread */
    const struct ss_engine *other;      /* in place of libcrypto; NULL: none */
    uint64_t serials;                   /* given out */
    struct slot slot[SLOTS];
};

static const struct ss_engine *engine_of(const struct ss_contexts *contexts,
                                         const struct ss_cipher *cipher)
{
    return contexts->other != NULL && cipher->engine == &ss_engine_libcrypto ? contexts->other
                                                                             : cipher->engine;
}

static struct slot *slot_of(const struct ss_aead *a)
{
    return &a->contexts->slot[a->serial % SLOTS];
}

static void empty(const struct ss_contexts *contexts, struct slot *slot)
{
    if (slot->expanded != NULL)
        engine_of(contexts, slot->cipher)->drop(slot->expanded);
    *slot = (struct slot){.serial = 0};
}

struct ss_contexts *ss_contexts_with(const struct ss_engine *other)
{
    struct ss_contexts *contexts = calloc(1, sizeof *contexts);
    if (contexts == NULL)
        return NULL;
    contexts->other = other;
    contexts->thread = pthread_self();
    return contexts;
}

/* The contexts of this thread, which are made when it needs them first: no thread but this one adds
 * them.  NULL when memory is out. */
static struct ss_contexts *here(struct ss_contexts *contexts)
{
    pthread_t self = pthread_self();
    struct ss_contexts *at = contexts, *next;
    while (pthread_equal(at->thread, self) == 0) {
        next = atomic_load(&at->next);
        if (next == NULL)
            break;
        at = next;
    }
    if (pthread_equal(at->thread, self) != 0)
        return at;
    struct ss_contexts *fresh = ss_contexts_with(contexts->other), *none = NULL;
    while (fresh != NULL && !atomic_compare_exchange_strong(&at->next, &none, fresh)) {
        at = none;
        none = NULL;
    }
    return fresh;
}

void ss_contexts_free(struct ss_contexts *contexts)
{
    while (contexts != NULL) {
        struct ss_contexts *next = atomic_load(&contexts->next);
        for (size_t i = 0; i < SLOTS; i++)
            empty(contexts, &contexts->slot[i]);
        free(contexts);
        contexts = next;
    }
}

/* Sets the key of a, in place of that of another direction, which is overwritten. */
static int take_over(const struct ss_engine *engine, const struct ss_aead *a)
{
    struct slot *slot = slot_of(a);
    if (slot->cipher != a->cipher)
        empty(a->contexts, slot);
    slot->cipher = a->cipher;
    slot->serial = a->serial;
    if (engine->expand(engine, a, &slot->expanded) == 0)
        return 0;
    empty(a->contexts, slot);
    return -1;
}

/* ---- directions ---- */

const struct ss_cipher ss_ciphers[SS_CIPHERS] = {
    /* name; key, salt, nonce and tag length; engine; whether AES-GCM */
    [SS_AES_128_GCM] = {"aes-128-gcm", 16, 16, 12, SS_TAG_LEN, &ss_engine_libcrypto, true},
    [SS_AES_192_GCM] = {"aes-192-gcm", 24, 24, 12, SS_TAG_LEN, &ss_engine_libcrypto, true},
    [SS_AES_256_GCM] = {"aes-256-gcm", 32, 32, 12, SS_TAG_LEN, &ss_engine_libcrypto, true},
    [SS_CHACHA20_POLY1305] = {"chacha20-ietf-poly1305", 32, 32, 12, SS_TAG_LEN,
                              &ss_engine_libcrypto, false},
    [SS_XCHACHA20_POLY1305] = {"xchacha20-ietf-poly1305", 32, 32, 24, SS_TAG_LEN,
                               &ss_engine_libsodium, false},
};

int ss_aead_start(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                  const uint8_t *key)
{
    *a = (struct ss_aead){.cipher = cipher, .contexts = here(contexts)};
    if (a->contexts == NULL) {
        *a = (struct ss_aead){.cipher = NULL};
        return -1;
    }
    a->serial = ++a->contexts->serials;
    if (ss_aead_restart(a, key) == 0)
        return 0;
    ss_aead_wipe(a);
    return -1;
}

int ss_aead_restart(struct ss_aead *a, const uint8_t *key)
{
    memcpy(a->key, key, a->cipher->key_len);
    sodium_memzero(a->nonce, sizeof a->nonce);
    const struct ss_engine *engine = engine_of(a->contexts, a->cipher);
    return engine->expand != NULL ? take_over(engine, a) : 0;
}

/* The engine of a, and the key of a as this engine wants it in *expanded; NULL when memory is out.
 */
static const struct ss_engine *ready(const struct ss_aead *a, void **expanded)
{
    const struct ss_engine *engine = engine_of(a->contexts, a->cipher);
    *expanded = NULL;
    if (engine->expand == NULL)
        return engine;
    if (slot_of(a)->serial != a->serial && take_over(engine, a) == -1)
        return NULL;
    *expanded = slot_of(a)->expanded;
    return engine;
}

int ss_aead_seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    if (n > INT_MAX - SS_TAG_LEN)
        return -1;
    void *expanded;
    const struct ss_engine *engine = ready(a, &expanded);
    int rc = engine != NULL ? engine->seal(a, expanded, in, n, out) : -1;
    sodium_increment(a->nonce, a->cipher->nonce_len);
    return rc;
}

int ss_aead_open(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    if (n < SS_TAG_LEN || n > INT_MAX)
        return -1;
    void *expanded;
    const struct ss_engine *engine = ready(a, &expanded);
    int rc = engine != NULL ? engine->open(a, expanded, in, n - SS_TAG_LEN, out) : -1;
    if (rc != 0)
        sodium_memzero(out, n - SS_TAG_LEN);
    sodium_increment(a->nonce, a->cipher->nonce_len);
    return rc;
}

void ss_aead_wipe(struct ss_aead *a)
{
    if (a->cipher != NULL && slot_of(a)->serial == a->serial)
        empty(a->contexts, slot_of(a));
    sodium_memzero(a, sizeof *a);
}
