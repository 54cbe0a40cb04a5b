/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hkdf.h - HKDF with SHA-1 (RFC 5869), for the keys of streams and packets.
 *
 * hkdf.c works on blocks of SHA-1, which libcrypto has in SHA1_Transform(); hkdf_evp.c takes its
 * place where libcrypto is built without what OpenSSL 3.0 deprecates.
 */
#ifndef SS_CRYPTO_HKDF_H
#define SS_CRYPTO_HKDF_H

#include <stddef.h>
#include <stdint.h>

struct ss_span {
    const uint8_t *bytes;
    size_t len;
};

/* Each message behind a key fits one block of SHA-1, with its length. */
enum {
    SS_HKDF_HASH_LEN = 20,
    SS_HKDF_SALT_MAX = 64,
    SS_HKDF_SECRET_MAX = 55,
    SS_HKDF_INFO_MAX = SS_HKDF_SECRET_MAX - SS_HKDF_HASH_LEN - 1,
    SS_HKDF_OUT_MAX = 255 * SS_HKDF_HASH_LEN
};

/* Returns 0, or -1 when a part is longer than its limit, or libcrypto fails. */
int ss_hkdf_sha1(struct ss_span secret, struct ss_span salt, struct ss_span info, uint8_t *out,
                 size_t out_len);

#endif
