/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/engine.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Each length up to DENSE, then steps that meet every remainder of a block. */
enum { OPENSSL_WITH_VAES = 0x30200000, DENSE = 80, LONGEST = 4000, STEP = 239 };

/* ---- comparison with libcrypto ---- */

struct trial {
    struct ss_aead reference, other;
    uint8_t text[SS_KEY_MAX + LONGEST];
    uint8_t expected[LONGEST + SS_TAG_LEN], made[LONGEST + SS_TAG_LEN], opened[LONGEST];
};

/* Messages of n bytes with a key of their own: sealed by both, opened, and refused. */
static bool agree(struct trial *t, size_t n)
{
    const uint8_t *key = t->text + n, *text = t->text;
    bool same = ss_aead_restart(&t->reference, key) == 0 && ss_aead_restart(&t->other, key) == 0 &&
                ss_aead_seal(&t->reference, text, n, t->expected) == 0 &&
                ss_aead_seal(&t->other, text, n, t->made) == 0 &&
                memcmp(t->expected, t->made, n + SS_TAG_LEN) == 0;
    same = same && ss_aead_restart(&t->other, key) == 0 &&
           ss_aead_open(&t->other, t->expected, n + SS_TAG_LEN, t->opened) == 0 &&
           memcmp(t->opened, text, n) == 0;
    t->expected[n] ^= 1;
    return same && ss_aead_restart(&t->other, key) == 0 &&
           ss_aead_open(&t->other, t->expected, n + SS_TAG_LEN, t->opened) == -1;
}

static enum ss_agreement try_row(struct trial *t, const struct ss_cipher *cipher,
                                 struct ss_contexts *reference, struct ss_contexts *other)
{
    int rc = ss_aead_start(&t->reference, cipher, reference, t->text);
    if (rc == 0)
        rc = ss_aead_start(&t->other, cipher, other, t->text);
    bool same = true;
    for (size_t n = 0; rc == 0 && same && n <= LONGEST; n += n < DENSE ? 1 : STEP)
        same = agree(t, n);
    ss_aead_wipe(&t->reference);
    ss_aead_wipe(&t->other);
    return rc == -1 ? SS_UNKNOWN : same ? SS_AGREES : SS_DIFFERS;
}

enum ss_agreement ss_engine_compare(const struct ss_engine *engine)
{
    static const uint8_t seed[randombytes_SEEDBYTES] = {1};
    struct trial t = {.reference = {.cipher = NULL}};
    struct ss_contexts *reference = ss_contexts_with(NULL), *other = ss_contexts_with(engine);
    enum ss_agreement agreement = reference != NULL && other != NULL ? SS_AGREES : SS_UNKNOWN;
    randombytes_buf_deterministic(t.text, sizeof t.text, seed);
    for (size_t i = 0; agreement == SS_AGREES && i < SS_CIPHERS; i++)
        if (ss_ciphers[i].engine == &ss_engine_libcrypto)
            agreement = try_row(&t, &ss_ciphers[i], reference, other);
    ss_contexts_free(reference);
    ss_contexts_free(other);
    return agreement;
}

/* ---- choice ---- */

static _Atomic(const struct ss_engine *) *choice(void)
{
    static _Atomic(const struct ss_engine *) engine;
    return &engine;
}

const struct ss_engine *ss_engine_chosen(void)
{
    return atomic_load(choice());
}

struct ss_contexts *ss_contexts_new(void)
{
    return ss_contexts_with(ss_engine_chosen());
}

int ss_engine_choose(char line[SS_ENGINE_LINE_MAX])
{
    const char *openssl = OpenSSL_version(OPENSSL_VERSION_STRING), *why = "not needed";
    const struct ss_engine *other =
        OpenSSL_version_num() < OPENSSL_WITH_VAES ? ss_engine_ipsec_mb(&why) : NULL;
    enum ss_agreement agreement = other != NULL ? ss_engine_compare(other) : SS_UNKNOWN;
    if (other != NULL && agreement == SS_UNKNOWN)
        why = "out of memory";
    if (agreement == SS_AGREES)
        atomic_store(choice(), other);
    if (agreement == SS_AGREES)
        (void)snprintf(line, SS_ENGINE_LINE_MAX,
                       "ciphers: intel-ipsec-mb, because OpenSSL %s does not use VAES", openssl);
    else if (agreement == SS_DIFFERS)
        (void)snprintf(
            line, SS_ENGINE_LINE_MAX,
            "ciphers: intel-ipsec-mb computes something else than OpenSSL %s, which stays "
            "in use: update or remove libIPSec_MB",
            openssl);
    else
        (void)snprintf(line, SS_ENGINE_LINE_MAX, "ciphers: OpenSSL %s (intel-ipsec-mb: %s)",
                       openssl, why);
    return agreement == SS_DIFFERS ? -1 : 0;
}
