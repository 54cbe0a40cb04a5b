/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoiled.h - certificates and keys that a lack of memory has spoiled.
 *
 * OpenSSL keeps beside a certificate and a key what it has worked out from them at their first use.
 * When memory was out then, it takes them for invalid or weak as long as they live.
 */
#ifndef TLS_WRAP_SPOILED_H
#define TLS_WRAP_SPOILED_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Makes that first use of everything that ctx holds.  Returns whether some of it is spoiled; what
 * is invalid or weak for another reason is not. */
bool tls_spoiled(SSL_CTX *ctx);

#endif
