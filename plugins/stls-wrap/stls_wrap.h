/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stls_wrap.h - shadow-tls v3 as a codec, for either role, and its configuration.
 *
 * A client shakes hands with a web site of others, through the server, which knows it by a tag in
 * its session id.  Behind the handshake both ends leave the site, and exchange records that look as
 * before.  Everybody else stays with the site.
 */
#ifndef STLS_WRAP_H
#define STLS_WRAP_H

#include "stls-wrap/stream.h"

struct stls_seen;
struct stls_tls;

/* The options as they were given, and the values that setup() made of them. */
struct stls_conf {
    const char *tls; /* server: the site, as given */
    const char *fallback;
    const char *password;
    const char *host, *alpn, *ca; /* client: the site */
    const char *threads;          /* taken for others' sake */
    int v3, strict, wildcard_sni;
    char site[300];          /* host:port */
    EVP_MAC_CTX *key;        /* owned */
    struct stls_seen *seen;  /* server: owned */
    struct stls_tls *client; /* owned */
};

extern const ssp_codec stls_wrap;

#endif
