/* SPDX-License-Identifier: Apache-2.0 */
/*
 * obfs.h - the two codecs of the simple-obfs format, and the configuration they share.
 *
 * Only the first flight of each direction is disguised: as an HTTP upgrade, or as a TLS 1.2 session
 * resumption.  An observer who examines the stream recognises it; see README.md.
 */
#ifndef OBFS_OBFS_H
#define OBFS_OBFS_H

#include <ssplugin/codec.h>

#include <stdint.h>

enum obfs_mode { OBFS_HTTP, OBFS_TLS };

enum {
    OBFS_WHY_MAX = 512,
    OBFS_HOST_MAX = 255,
    OBFS_URI_MAX = 2048,
    OBFS_METHOD_MAX = 32,
    OBFS_AUTHORITY_MAX = OBFS_HOST_MAX + 1 + 5 /* host, colon, port */
};

struct obfs_conf {
    int mode;         /* enum obfs_mode */
    const char *host; /* client: the host it claims to visit.  server: the required host, or NULL */
    const char *uri;  /* client, http */
    const char *method;   /* http.  client: sent.  server: required, or NULL */
    const char *failover; /* server: host:port, or NULL */
    int reverse_proxy;    /* server, http: answer the request at once, not with the first reply */
    const char *config;   /* read by the program before everything else, see config.h */
    int passthrough;      /* server: foreign connections go to the shadowsocks server */

    /* Completed by setup. */
    char authority[OBFS_AUTHORITY_MAX + 1]; /* client: the Host value, with the port unless 80 */
    char *backend; /* owned; server: host:port of the shadowsocks server; NULL: no passthrough */
    uint32_t face; /* chooses the software version that is claimed, see README.md */
};

extern const ssp_codec obfs_local;
extern const ssp_codec obfs_server;

#endif
