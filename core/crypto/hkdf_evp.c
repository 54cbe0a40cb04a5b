/* SPDX-License-Identifier: Apache-2.0 */
/* hkdf_evp.c - the HKDF of libcrypto. */
#include "crypto/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdatomic.h>

/* As for ciphers: fetched once, because a fetch costs more than the hash. */
static EVP_KDF *method(void)
{
    static _Atomic(EVP_KDF *) cache;
    EVP_KDF *known = atomic_load(&cache);
    if (known != NULL)
        return known;
    EVP_KDF *fresh = EVP_KDF_fetch(NULL, "HKDF", NULL);
    if (atomic_compare_exchange_strong(&cache, &known, fresh))
        return fresh;
    EVP_KDF_free(fresh);
    return known;
}

/* A pointer is set even to nothing: libcrypto takes NULL for a part that is missing. */
static OSSL_PARAM octets(const char *name, struct ss_span part)
{
    static uint8_t nothing[1];
    void *bytes = part.len > 0 ? (void *)(uintptr_t)part.bytes : nothing;
    return OSSL_PARAM_construct_octet_string(name, bytes, part.len);
}

int ss_hkdf_sha1(struct ss_span secret, struct ss_span salt, struct ss_span info, uint8_t *out,
                 size_t out_len)
{
    static char sha1[] = "SHA1";
    const OSSL_PARAM parts[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha1, 0),
                                octets(OSSL_KDF_PARAM_KEY, secret),
                                octets(OSSL_KDF_PARAM_SALT, salt),
                                octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
    if (secret.len > SS_HKDF_SECRET_MAX || salt.len > SS_HKDF_SALT_MAX ||
        info.len > SS_HKDF_INFO_MAX || out_len > SS_HKDF_OUT_MAX)
        return -1;
    EVP_KDF *kdf = method();
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    int done = context != NULL ? EVP_KDF_derive(context, out, out_len, parts) : 0;
    EVP_KDF_CTX_free(context);
    return done == 1 ? 0 : -1;
}
