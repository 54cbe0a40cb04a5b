/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/tag.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <string.h>

EVP_MAC_CTX *stls_tag_key(const char *password)
{
    char digest[] = "SHA1";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (mac == NULL ||
        EVP_MAC_init(mac, (const unsigned char *)password, strlen(password), params) != 1) {
        EVP_MAC_CTX_free(mac);
        mac = NULL;
    }
    ERR_clear_error();
    return mac;
}

EVP_MAC_CTX *stls_tag_fork(const EVP_MAC_CTX *mac)
{
    EVP_MAC_CTX *fork = EVP_MAC_CTX_dup(mac);
    if (fork == NULL)
        ERR_clear_error();
    return fork;
}

void stls_tag_free(EVP_MAC_CTX *mac)
{
    EVP_MAC_CTX_free(mac);
}

bool stls_tag_feed(EVP_MAC_CTX *mac, const void *bytes, size_t n)
{
    return n == 0 || EVP_MAC_update(mac, bytes, n) == 1;
}

bool stls_tag_take(const EVP_MAC_CTX *mac, uint8_t tag[STLS_TAG_LEN])
{
    unsigned char whole[SHA_DIGEST_LENGTH];
    size_t len;
    EVP_MAC_CTX *fork = stls_tag_fork(mac);
    bool taken = fork != NULL && EVP_MAC_final(fork, whole, &len, sizeof whole) == 1;
    EVP_MAC_CTX_free(fork);
    if (taken)
        memcpy(tag, whole, STLS_TAG_LEN);
    return taken;
}

bool stls_tag_same(const uint8_t a[STLS_TAG_LEN], const uint8_t b[STLS_TAG_LEN])
{
    return CRYPTO_memcmp(a, b, STLS_TAG_LEN) == 0;
}
