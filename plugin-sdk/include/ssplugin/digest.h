/* SPDX-License-Identifier: Apache-2.0 */
/**
 * digest.h - SHA-1, SHA-256 and HMAC, for codecs whose protocols are made with them.
 *
 * They are those of OpenSSL's libcrypto.  A program that uses them links libssplugin-crypto
 * (ssplugin-crypto of pkg-config, ssplugin::crypto of CMake), a static library, beside libssplugin,
 * which needs no libcrypto itself.
 *
 * Everything that can fail fails for a lack of memory only, and says so by false or NULL. libcrypto
 * loads an algorithm at its first use: a codec that calls one once in setup() has that behind it
 * before it serves.
 *
 * Thread: any, each digest in one at a time.
 */
#ifndef SSPLUGIN_DIGEST_H
#define SSPLUGIN_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ssplugin/version.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    SSP_SHA1 = 1,  /**< for protocols that prescribe it, such as WebSocket */
    SSP_SHA256 = 2 /**< for all others */
} ssp_hash;

/** Bytes of a digest. */
enum { SSP_SHA1_LEN = 20, SSP_SHA256_LEN = 32, SSP_DIGEST_MAX = 32 };

/** @name At once
 *  @{ */
SSP_API bool ssp_sha1(const void *bytes, size_t n, uint8_t digest[SSP_SHA1_LEN]);
SSP_API bool ssp_sha256(const void *bytes, size_t n, uint8_t digest[SSP_SHA256_LEN]);

SSP_API bool ssp_hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t n,
                           uint8_t digest[SSP_SHA1_LEN]);
SSP_API bool ssp_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
                             uint8_t digest[SSP_SHA256_LEN]);
/** @} */

/** @name Piece by piece
 *  For what arrives piece by piece, and for protocols that mark each record with the digest of all
 *  before it.
 *  @{ */
typedef struct ssp_digest ssp_digest;

/** With a key it is an HMAC, with NULL a digest.  The key is copied. */
SSP_API ssp_digest *ssp_digest_new(ssp_hash hash, const void *key, size_t key_len);
SSP_API bool ssp_digest_add(ssp_digest *digest, const void *bytes, size_t n);

/** Writes the digest of everything so far; more may be added.  Returns its length, or 0. */
SSP_API size_t ssp_digest_value(const ssp_digest *digest, uint8_t value[SSP_DIGEST_MAX]);
SSP_API void ssp_digest_free(ssp_digest *digest); /**< wipes the key, too; accepts NULL */
/** @} */

/** True when both are the same.  Takes as long for bytes that differ, so that a peer does not learn
 *  how much of its guess at a digest or a key was right. */
SSP_API bool ssp_equal(const void *a, const void *b, size_t n);

#ifdef __cplusplus
}
#endif

#endif
