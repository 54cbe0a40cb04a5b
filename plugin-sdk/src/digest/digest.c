/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/digest.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

/* One of the two. */
struct ssp_digest {
    EVP_MD_CTX *plain;
    EVP_MAC_CTX *keyed;
};

static const char *name_of(ssp_hash hash)
{
    return hash == SSP_SHA1 ? "SHA1" : "SHA256";
}

bool ssp_sha1(const void *bytes, size_t n, uint8_t digest[SSP_SHA1_LEN])
{
    return EVP_Q_digest(NULL, name_of(SSP_SHA1), NULL, bytes, n, digest, NULL) == 1;
}

bool ssp_sha256(const void *bytes, size_t n, uint8_t digest[SSP_SHA256_LEN])
{
    return EVP_Q_digest(NULL, name_of(SSP_SHA256), NULL, bytes, n, digest, NULL) == 1;
}

bool ssp_hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t n,
                   uint8_t digest[SSP_SHA1_LEN])
{
    size_t len;
    return EVP_Q_mac(NULL, "HMAC", NULL, name_of(SSP_SHA1), NULL, key, key_len, bytes, n, digest,
                     SSP_SHA1_LEN, &len) != NULL;
}

bool ssp_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
                     uint8_t digest[SSP_SHA256_LEN])
{
    size_t len;
    return EVP_Q_mac(NULL, "HMAC", NULL, name_of(SSP_SHA256), NULL, key, key_len, bytes, n, digest,
                     SSP_SHA256_LEN, &len) != NULL;
}

static EVP_MD_CTX *begin_plain(ssp_hash hash)
{
    EVP_MD_CTX *begun = EVP_MD_CTX_new();
    EVP_MD *method = EVP_MD_fetch(NULL, name_of(hash), NULL);
    bool ok = begun != NULL && method != NULL && EVP_DigestInit_ex2(begun, method, NULL) == 1;
    EVP_MD_free(method); /* the context has a reference of its own */
    if (!ok)
        EVP_MD_CTX_free(begun);
    return ok ? begun : NULL;
}

static EVP_MAC_CTX *begin_keyed(ssp_hash hash, const void *key, size_t key_len)
{
    char sha1[] = "SHA1", sha256[] = "SHA256"; /* parameters are not const */
    const OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_utf8_string("digest", hash == SSP_SHA1 ? sha1 : sha256, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *method = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *begun = method != NULL ? EVP_MAC_CTX_new(method) : NULL;
    bool ok = begun != NULL && EVP_MAC_init(begun, key, key_len, parts) == 1;
    EVP_MAC_free(method);
    if (!ok)
        EVP_MAC_CTX_free(begun);
    return ok ? begun : NULL;
}

ssp_digest *ssp_digest_new(ssp_hash hash, const void *key, size_t key_len)
{
    ssp_digest *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    if (key != NULL)
        d->keyed = begin_keyed(hash, key, key_len);
    else
        d->plain = begin_plain(hash);
    if (d->keyed == NULL && d->plain == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

bool ssp_digest_add(ssp_digest *d, const void *bytes, size_t n)
{
    return d->keyed != NULL ? EVP_MAC_update(d->keyed, bytes, n) == 1
                            : EVP_DigestUpdate(d->plain, bytes, n) == 1;
}

static size_t value_of_keyed(const EVP_MAC_CTX *keyed, uint8_t value[SSP_DIGEST_MAX])
{
    size_t len = 0;
    EVP_MAC_CTX *end = EVP_MAC_CTX_dup(keyed);
    if (end == NULL || EVP_MAC_final(end, value, &len, SSP_DIGEST_MAX) != 1)
        len = 0;
    EVP_MAC_CTX_free(end);
    return len;
}

static size_t value_of_plain(const EVP_MD_CTX *plain, uint8_t value[SSP_DIGEST_MAX])
{
    unsigned len = 0;
    EVP_MD_CTX *end = EVP_MD_CTX_new();
    if (end == NULL || EVP_MD_CTX_copy_ex(end, plain) != 1 ||
        EVP_DigestFinal_ex(end, value, &len) != 1)
        len = 0;
    EVP_MD_CTX_free(end);
    return len;
}

size_t ssp_digest_value(const ssp_digest *d, uint8_t value[SSP_DIGEST_MAX])
{
    return d->keyed != NULL ? value_of_keyed(d->keyed, value) : value_of_plain(d->plain, value);
}

void ssp_digest_free(ssp_digest *d)
{
    if (d == NULL)
        return;
    EVP_MAC_CTX_free(d->keyed);
    EVP_MD_CTX_free(d->plain);
    free(d);
}

bool ssp_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
