/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_wrap.h - real TLS as a codec, for either role, and its configuration.
 *
 * OpenSSL sees no socket: its records come from the unread input of a view and go to the output of
 * the same view, so that a record is copied by the cipher and by OpenSSL's own buffers, not by this
 * codec.
 */
#ifndef TLS_WRAP_H
#define TLS_WRAP_H

#include <ssplugin/codec.h>

#include <openssl/types.h>

struct tls_context;

/* The options as they were given, and the values that setup() made of them. */
struct tls_conf {
    const char *host; /* as given; NULL: the server's address */
    const char *alpn; /* joined by ',' */
    const char *ca;   /* file of authorities; NULL: the system's */
    const char *pin;  /* "sha256//BASE64", joined by ','; NULL: verify by authorities */
    const char *cert, *key;
    const char *fallback;
    int tls12;             /* flag: 1.2 is allowed, too */
    OSSL_LIB_CTX *library; /* borrowed; NULL: the process's. A client with its own resumes none */
    ssp_role role;
    char name[256];              /* claimed and verified */
    struct tls_context *context; /* owned */
};

extern const ssp_codec tls_wrap;

#endif
