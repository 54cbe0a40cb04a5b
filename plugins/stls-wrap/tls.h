/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - the client's TLS: OpenSSL, whose ClientHello has a session id with our tag.
 */
#ifndef STLS_WRAP_TLS_H
#define STLS_WRAP_TLS_H

#include "stls-wrap/tag.h"

#include "tls-wrap/context.h"

struct stls_tls;

/* Its site, trust and protocols are those of conf.  NULL with a sentence in why. */
struct stls_tls *stls_tls_new(const struct tls_conf *conf, char *why, size_t why_cap);
void stls_tls_free(struct stls_tls *tls); /* accepts NULL */

/* Reads files again.  Returns 0, or -1 with a sentence in why: all is as it was. */
int stls_tls_reload(struct stls_tls *tls, char *why, size_t why_cap);

/* A connection that has made its ClientHello, which waits in it.  NULL when memory is out, or when
 * OpenSSL does not make the same one twice. */
SSL *stls_tls_open(struct stls_tls *tls, const EVP_MAC_CTX *key);
void stls_tls_close(SSL *ssl); /* accepts NULL */

/* The bytes that wait to be sent. */
size_t stls_tls_output(SSL *ssl, const uint8_t **bytes);
void stls_tls_sent(SSL *ssl);

/* Hands it n bytes that were received.  Returns false when memory is out. */
bool stls_tls_input(SSL *ssl, const uint8_t *bytes, size_t n);

#endif
