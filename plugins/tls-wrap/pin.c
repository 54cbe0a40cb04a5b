/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/pin.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "sha256//";

enum { PREFIX_LEN = sizeof prefix - 1, BASE64_LEN = 44, PIN_LEN = PREFIX_LEN + BASE64_LEN };

int tls_pin_of(X509 *certificate, char pin[TLS_PIN_MAX])
{
    unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0)
        return -1;
    (void)SHA256(der, (size_t)len, digest);
    OPENSSL_free(der);
    memcpy(pin, prefix, PREFIX_LEN);
    (void)EVP_EncodeBlock((unsigned char *)pin + PREFIX_LEN, digest, sizeof digest);
    return 0;
}

/* The length of the pin at text, or 0 when there is none. */
static size_t pin_at(const char *text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH + 1];
    size_t len = strcspn(text, ",");
    if (len != PIN_LEN || memcmp(text, prefix, PREFIX_LEN) != 0 || text[len - 1] != '=' ||
        text[len - 2] == '=')
        return 0;
    return EVP_DecodeBlock(digest, (const unsigned char *)text + PREFIX_LEN, BASE64_LEN) ==
                   (int)sizeof digest
               ? len
               : 0;
}

bool tls_pin_valid(const char *text)
{
    size_t len = pin_at(text);
    while (len > 0 && text[len] == ',') {
        text += len + 1;
        len = pin_at(text);
    }
    return len > 0;
}

bool tls_pin_matches(const char *list, X509 *certificate)
{
    char pin[TLS_PIN_MAX];
    if (tls_pin_of(certificate, pin) == -1)
        return false;
    for (; *list != '\0'; list += PIN_LEN + (list[PIN_LEN] == ',' ? 1 : 0)) {
        if (memcmp(list, pin, PIN_LEN) == 0)
            return true;
    }
    return false;
}
