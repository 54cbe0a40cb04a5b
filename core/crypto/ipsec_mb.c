/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/engine.h"

#include <cpuid.h>
#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_LENGTHS = 3, VAES = 1 << 9, SONAME_MAX = 32 };

struct gcm {
    aes_gcm_pre_t expand;
    aes_gcm_enc_dec_t seal, open;
};

struct chacha {
    chacha_poly_init_t begin;
    chacha_poly_enc_dec_update_t seal, open;
    chacha_poly_finalize_t finish;
};

struct engine {
    struct ss_engine base;
    struct gcm gcm[KEY_LENGTHS]; /* of 16, 24 and 32 bytes */
    struct chacha chacha;
};

struct expanded {
    struct gcm_key_data key; /* aligned as the library wants it; ChaCha20 needs none */
    const struct gcm *gcm;
    const struct chacha *chacha;
};

static int expand(const struct ss_engine *engine, const struct ss_aead *a, void **expanded)
{
    const struct engine *own = (const struct engine *)engine;
    struct expanded *e = *expanded;
    if (e == NULL)
        *expanded = e = aligned_alloc(alignof(struct expanded), sizeof *e);
    if (e == NULL)
        return -1;
    e->gcm = &own->gcm[(a->cipher->key_len - 16) / 8];
    e->chacha = &own->chacha;
    if (a->cipher->is_gcm)
        e->gcm->expand(a->key, &e->key);
    return 0;
}

union scratch {
    struct gcm_context_data gcm;
    struct chacha20_poly1305_context_data chacha;
};

static void drop(void *expanded)
{
    if (expanded != NULL)
        sodium_memzero(expanded, sizeof(struct expanded));
    free(expanded);
}

static int seal(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out)
{
    struct expanded *e = expanded;
    union scratch scratch;
    if (a->cipher->is_gcm) {
        e->gcm->seal(&e->key, &scratch.gcm, out, in, n, a->nonce, NULL, 0, out + n, SS_TAG_LEN);
    } else {
        e->chacha->begin(a->key, &scratch.chacha, a->nonce, NULL, 0);
        e->chacha->seal(a->key, &scratch.chacha, out, in, n);
        e->chacha->finish(&scratch.chacha, out + n, SS_TAG_LEN);
    }
    sodium_memzero(&scratch, sizeof scratch);
    return 0;
}

/* The library computes the tag, and compares nothing. */
static int open(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out)
{
    struct expanded *e = expanded;
    union scratch scratch;
    uint8_t tag[SS_TAG_LEN];
    if (a->cipher->is_gcm) {
        e->gcm->open(&e->key, &scratch.gcm, out, in, n, a->nonce, NULL, 0, tag, sizeof tag);
    } else {
        e->chacha->begin(a->key, &scratch.chacha, a->nonce, NULL, 0);
        e->chacha->open(a->key, &scratch.chacha, out, in, n);
        e->chacha->finish(&scratch.chacha, tag, sizeof tag);
    }
    sodium_memzero(&scratch, sizeof scratch);
    return sodium_memcmp(tag, in + n, sizeof tag);
}

static bool cpu_has_vaes(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) == 1 && (c & VAES) != 0;
}

/* Functions are picked by the library, for this CPU; they need its manager no more. */
static const struct ss_engine *pick(const IMB_MGR *m, const char **why)
{
    uint64_t needed = IMB_CPUFLAGS_AVX512_T2 | IMB_FEATURE_SAFE_DATA; /* VAES; it wipes its stack */
    const struct engine picked = {
        .base = {expand, drop, seal, open},
        .chacha = {m->chacha20_poly1305_init, m->chacha20_poly1305_enc_update,
                   m->chacha20_poly1305_dec_update, m->chacha20_poly1305_finalize},
        .gcm = {{m->gcm128_pre, m->gcm128_enc, m->gcm128_dec},
                {m->gcm192_pre, m->gcm192_enc, m->gcm192_dec},
                {m->gcm256_pre, m->gcm256_enc, m->gcm256_dec}}};
    *why = "it has no code for VAES on this CPU";
    if ((m->features & needed) != needed)
        return NULL;
    struct engine *engine = malloc(sizeof *engine);
    *why = "out of memory";
    if (engine == NULL)
        return NULL;
    *engine = picked;
    return &engine->base;
}

static const struct ss_engine *engine_of(void *library, const char **why)
{
    unsigned (*version)(void);
    IMB_MGR *(*manager_new)(uint64_t flags);
    void (*manager_free)(IMB_MGR * manager);
    void (*begin)(IMB_MGR * manager, IMB_ARCH * arch);
    *(void **)&version = dlsym(library, "imb_get_version");
    *(void **)&manager_new = dlsym(library, "alloc_mb_mgr");
    *(void **)&manager_free = dlsym(library, "free_mb_mgr");
    *(void **)&begin = dlsym(library, "init_mb_mgr_auto");
    *why = "it is another version than the one this was built with";
    if (version == NULL || manager_new == NULL || manager_free == NULL || begin == NULL ||
        version() >> 8 != IMB_VERSION_NUM >> 8)
        return NULL;
    IMB_MGR *manager = manager_new(0);
    *why = "out of memory";
    if (manager == NULL)
        return NULL;
    begin(manager, NULL);
    const struct ss_engine *engine = pick(manager, why);
    manager_free(manager);
    return engine;
}

static const struct ss_engine *loaded(const char **why)
{
    char soname[SONAME_MAX];
    (void)snprintf(soname, sizeof soname, "libIPSec_MB.so.%d", IMB_VERSION_NUM >> 16);
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        *why = dlerror();
        return NULL;
    }
    const struct ss_engine *engine = engine_of(library, why);
    if (engine == NULL)
        (void)dlclose(library);
    return engine;
}

const struct ss_engine *ss_engine_ipsec_mb(const char **why)
{
    static _Atomic(const struct ss_engine *) known;
    *why = "this CPU has no VAES";
    if (atomic_load(&known) == NULL && cpu_has_vaes())
        atomic_store(&known, loaded(why));
    return atomic_load(&known);
}
