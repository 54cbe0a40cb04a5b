/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/spoiled.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static bool is_usable(const EVP_PKEY *key)
{
    return key != NULL && EVP_PKEY_get_security_bits(key) > 0;
}

static bool is_whole(X509 *cert)
{
    (void)X509_check_purpose(cert, -1, 0); /* works out its extensions */
    return (X509_get_extension_flags(cert) & (EXFLAG_INVALID | EXFLAG_NO_FINGERPRINT)) == 0 &&
           is_usable(X509_get0_pubkey(cert));
}

/* A fresh copy is as invalid as a certificate that was made so. */
static bool cert_spoiled(X509 *cert)
{
    if (is_whole(cert))
        return false;
    X509 *copy = X509_dup(cert);
    bool spoiled = copy == NULL || is_whole(copy);
    X509_free(copy);
    return spoiled;
}

static bool trust_spoiled(const SSL_CTX *ctx)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (cert != NULL && cert_spoiled(cert))
            return true;
    }
    return false;
}

static bool chain_spoiled(SSL_CTX *ctx)
{
    STACK_OF(X509) *chain = NULL;
    (void)SSL_CTX_get0_chain_certs(ctx, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (cert_spoiled(sk_X509_value(chain, i)))
            return true;
    }
    X509 *own = SSL_CTX_get0_certificate(ctx);
    return own != NULL && (cert_spoiled(own) || !is_usable(SSL_CTX_get0_privatekey(ctx)));
}

bool tls_spoiled(SSL_CTX *ctx)
{
    bool spoiled = trust_spoiled(ctx) || chain_spoiled(ctx);
    ERR_clear_error();
    return spoiled;
}
