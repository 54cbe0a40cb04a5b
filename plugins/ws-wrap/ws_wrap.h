/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_wrap.h - websocket (RFC 6455) as a codec, in the dialects of v2ray-plugin and its kin, and the
 * HTTP upgrade without frames.
 */
#ifndef WS_WRAP_H
#define WS_WRAP_H

#include "ws-wrap/forwarded.h"

#include <ssplugin/codec.h>

#define WS_DEFAULT_HOST "cloudfront.com"

enum ws_mode { WS_WEBSOCKET, WS_HTTPUPGRADE };

/* The meaning of a Close frame. */
enum ws_half_close {
    WS_AUTO, /* the ends agree in the handshake; a peer that knows nothing of it is waited for */
    WS_YES,  /* a Close frame ends one direction */
    WS_NO    /* as in v2ray-plugin: nothing is said before both have ended */
};

enum {
    WS_MUX_AUTO = -1, /* server: as the client has it */
    WS_HOST_MAX = 255,
    WS_PATH_MAX = 1024,
    WS_AGENT_MAX = 255,
    WS_WHY_MAX = 200 /* of an error of the configuration */
};

/* The options as they were given, and the values that setup() made of them. */
struct ws_conf {
    int mode; /* enum ws_mode */
    const char *host;
    const char *path;
    const char *user_agent;
    const char *sessions; /* option mux */
    int half_close;       /* enum ws_half_close */
    int ping;             /* seconds of silence before one; 0: none */
    int loglevel;
    const char *fallback;
    int tls;
    const char *cert, *key; /* of the codec around this one */
    const char *trust;      /* proxies that may name their clients */

    /* Completed by setup. */
    char target[WS_PATH_MAX + 2]; /* with its slash, without ed; server: without any query */
    unsigned early;               /* client: bytes that may leave with the request */
    struct ws_trusted trusted;    /* server */
    int mux;                      /* WS_MUX_AUTO, 0, or so many sessions in a connection */
};

extern const ssp_codec ws_wrap;

/* Its setup where the layers of tls and mux, if they are asked for, are around it and inside of it.
 */
int ws_wrap_setup_in_layers(void *conf, const ssp_env *env, char *why, size_t why_cap);

/* The same where no TLS is around it. */
int ws_wrap_setup_without_tls(void *conf, const ssp_env *env, char *why, size_t why_cap);

#endif
