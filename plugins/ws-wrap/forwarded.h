/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarded.h - the client of a request that proxies have passed on, as they say in X-Forwarded-For
 * or X-Real-IP.  Only proxies that are trusted are believed.
 */
#ifndef WS_WRAP_FORWARDED_H
#define WS_WRAP_FORWARDED_H

#include "ws-wrap/head.h"

enum { WS_TRUSTED_MAX = 32, WS_ADDRESS_LEN = 16, WS_FORWARDED_TEXT = 64 };

/* A network, in the form of IPv6. */
struct ws_network {
    uint8_t address[WS_ADDRESS_LEN];
    uint8_t bits;
};

struct ws_trusted {
    struct ws_network network[WS_TRUSTED_MAX];
    unsigned n;
};

/* Reads "10.0.0.0/8,::1".  Returns NULL, or the first item that is none. */
const char *ws_trusted_read(struct ws_trusted *trusted, const char *list);

/* The nearest client that is no trusted proxy, of a request from that peer.  Returns false, with
 * "", when the peer is not trusted, or no one says a client. */
bool ws_forwarded_client(const struct ws_trusted *trusted, const char *peer, struct ws_span head,
                         char client[WS_FORWARDED_TEXT]);

#endif
