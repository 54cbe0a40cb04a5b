/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orport.h - the server's data path with ext-orport: a transport program reports the client's
 * address.
 *
 * The Extended ORPort: a handshake in which both sides prove that they have the cookie of a file
 * (HMAC-SHA256), commands with the client's address and transport, then the client's bytes.  Here
 * the transport program connects to this side: it is the plain side, wrap() reads it.
 */
#ifndef PT_WRAP_ORPORT_H
#define PT_WRAP_ORPORT_H

#include "pt-wrap/place.h"

#include <ssplugin/codec.h>

enum {
    PT_COOKIE_HEAD = 32, /* of the file: a fixed text, then the secret */
    PT_COOKIE = 32,
    PT_COOKIE_FILE = PT_COOKIE_HEAD + PT_COOKIE,
    PT_NONCE = 32,
    PT_HASH = 32
};

extern const char pt_cookie_head[PT_COOKIE_HEAD + 1];

struct pt_orport_conf {
    const char *cookie_hex; /* PT_COOKIE bytes */
    const char *public_at;  /* ip:port of the transport's listener */
    int proxy_protocol;     /* PROXY protocol, version 2, in front of the client's bytes */

    /* Completed by setup. */
    uint8_t cookie[PT_COOKIE];
    struct pt_place here;
};

extern const ssp_codec pt_orport;

#endif
