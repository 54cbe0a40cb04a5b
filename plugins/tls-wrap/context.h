/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.h - what all connections of a process share: keys, trust, and the last session.
 */
#ifndef TLS_WRAP_CONTEXT_H
#define TLS_WRAP_CONTEXT_H

#include "record.h"
#include "tls_wrap.h"

#include <openssl/ssl.h>

/* Reads all files that conf names.  NULL with a sentence in why, which names the option. */
struct tls_context *tls_context_new(const struct tls_conf *conf, char *why, size_t why_cap);

/* Connections that live keep it until they close.  Accepts NULL. */
void tls_context_free(struct tls_context *context);

/* A connection at its beginning, whose records go through flow (borrowed for its life); a client's
 * tries to resume the last session.  NULL when memory is out. */
SSL *tls_context_open(struct tls_context *context, struct tls_flow *flow);
void tls_context_close(SSL *ssl); /* accepts NULL */

/* Why the peer of this client was refused, with the option that would allow it, or NULL when it was
 * not. */
const char *tls_context_refusal(const SSL *ssl);

#endif
