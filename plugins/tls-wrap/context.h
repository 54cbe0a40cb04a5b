/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.h - what all connections of a process share: keys, trust, and sessions.
 */
#ifndef TLS_WRAP_CONTEXT_H
#define TLS_WRAP_CONTEXT_H

#include "tls-wrap/record.h"
#include "tls-wrap/tls_wrap.h"

#include <openssl/ssl.h>

/* Reads all files that conf names.  NULL with a sentence in why, which names the option. */
struct tls_context *tls_context_new(const struct tls_conf *conf, char *why, size_t why_cap);

/* Connections that live keep it until they close.  Accepts NULL. */
void tls_context_free(struct tls_context *context);

/* A connection at its beginning, whose records go through flow (borrowed for its life); a client's
 * tries to resume a session that it was offered.  NULL when memory is out. */
SSL *tls_context_open(struct tls_context *context, struct tls_flow *flow);
void tls_context_close(SSL *ssl); /* accepts NULL */

/* Why a call of OpenSSL's has just failed, and which option would allow it; not NULL. */
const char *tls_context_why(const SSL *ssl);

#endif
