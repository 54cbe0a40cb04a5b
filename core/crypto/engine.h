/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - the libraries that compute ciphers, each behind the same four functions.
 *
 * libcrypto computes every row but XChaCha20-Poly1305.  libcrypto before 3.2 does not use all wide
 * instructions (VAES, AVX-512) of a CPU; intel-ipsec-mb does, and takes over where it is found.
 */
#ifndef SS_CRYPTO_ENGINE_H
#define SS_CRYPTO_ENGINE_H

#include "crypto/cipher.h"

/* seal and open use a->nonce and do not advance it; n counts plaintext bytes. */
struct ss_engine {
    /* Makes of the key of a that by which seal and open work, in *expanded: NULL, or memory that
     * this function has made for the same cipher, which is used again.  NULL: the key is all that
     * they need.  Returns 0, or -1 when memory is out; *expanded is to be dropped in both cases. */
    int (*expand)(const struct ss_engine *engine, const struct ss_aead *a, void **expanded);
    void (*drop)(void *expanded); /* wipes; accepts NULL */
    int (*seal)(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out);
    int (*open)(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out);
};

extern const struct ss_engine ss_engine_libcrypto, ss_engine_libsodium;

/* intel-ipsec-mb for the rows of libcrypto, or NULL with the reason: it was not there when this was
 * built or is not there now, or this CPU is none that it helps.  Lives as long as the process. */
const struct ss_engine *ss_engine_ipsec_mb(const char **why);

/* Contexts in which other computes the rows of libcrypto; NULL: libcrypto does.  NULL when memory
 * is out. */
struct ss_contexts *ss_contexts_with(const struct ss_engine *other);

enum ss_agreement { SS_AGREES, SS_DIFFERS, SS_UNKNOWN /* memory is out */ };

/* Whether other seals, opens and refuses as libcrypto does: each of its rows, many sizes. */
enum ss_agreement ss_engine_compare(const struct ss_engine *other);

enum { SS_ENGINE_LINE_MAX = 256 };

/* Chooses, once in a process and before its first contexts, libcrypto or another engine, and says
 * in one line which it is and why.  Returns 0, or -1 where one was refused because it computes
 * something else. */
int ss_engine_choose(char line[SS_ENGINE_LINE_MAX]);

/* The engine that was chosen; NULL: libcrypto. */
const struct ss_engine *ss_engine_chosen(void);

#endif
