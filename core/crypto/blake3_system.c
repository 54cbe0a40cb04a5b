/* SPDX-License-Identifier: Apache-2.0 */
/* blake3_system.c - BLAKE3 by the system's libblake3. */
#include "crypto/blake3.h"

#include <blake3.h>
#include <sodium.h>

_Static_assert(SS_BLAKE3_LEN == BLAKE3_OUT_LEN, "the default length of BLAKE3");

static void finish(blake3_hasher *hasher, const uint8_t *in, size_t n, uint8_t out[SS_BLAKE3_LEN])
{
    blake3_hasher_update(hasher, in, n);
    blake3_hasher_finalize(hasher, out, SS_BLAKE3_LEN);
    sodium_memzero(hasher, sizeof *hasher);
}

void ss_blake3_hash(const uint8_t *in, size_t n, uint8_t out[SS_BLAKE3_LEN])
{
    blake3_hasher hasher;
    blake3_hasher_init(&hasher);
    finish(&hasher, in, n, out);
}

void ss_blake3_derive(const char *context, const uint8_t *material, size_t n,
                      uint8_t out[SS_BLAKE3_LEN])
{
    blake3_hasher hasher;
    blake3_hasher_init_derive_key(&hasher, context);
    finish(&hasher, material, n, out);
}
