/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/engine.h"

#include <sodium.h>

static int seal(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)expanded;
    return crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, out + n, NULL, in, n, NULL, 0,
                                                               NULL, a->nonce, a->key);
}

static int open(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n, uint8_t *out)
{
    (void)expanded;
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL, in, n, in + n, NULL, 0,
                                                               a->nonce, a->key);
}

const struct ss_engine ss_engine_libsodium = {.seal = seal, .open = open};
