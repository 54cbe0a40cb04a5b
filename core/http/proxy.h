/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy.h - an HTTP proxy (RFC 9110, RFC 9112) as a front: CONNECT, and requests in absolute form
 * to as many hosts as the client likes down one connection.
 *
 * One request is under way at a time: one that a client pipelines waits unread for the answer to
 * the one before it, so that none is lost where a target closes its connection between two.
 *
 * The configuration is a struct ss_entrance, or NULL.
 */
#ifndef SS_HTTP_PROXY_H
#define SS_HTTP_PROXY_H

#include "base/front.h"
#include "http/body.h"
#include "proto/entrance.h"

enum ss_proxy_phase {
    SS_PROXY_HEAD,   /* a request is to come */
    SS_PROXY_BODY,   /* its body goes to the target */
    SS_PROXY_DROP,   /* its body goes nowhere: the proxy has answered */
    SS_PROXY_SENT,   /* all of it is sent */
    SS_PROXY_ASKED,  /* it asks for a tunnel */
    SS_PROXY_TUNNEL, /* bytes pass */
};

/* The state of one connection. */
struct ss_proxy_state {
    uint8_t phase; /* enum ss_proxy_phase */
    uint8_t minor; /* of the client's HTTP/1 */
    bool placed;   /* the target is that of the request whose head comes next */
    bool reused;   /* the target had answered a request before */
    bool persists; /* the client's connection stays behind the answer */
    bool connects; /* CONNECT */
    bool bodiless; /* HEAD */
    bool websockets;
    bool awaits;           /* an answer */
    bool answering;        /* its head has been sent to the client */
    bool target_persists;  /* behind this answer */
    uint16_t unreachable;  /* a status: the target of the next head was not reached */
    size_t scanned;        /* of the next head; see ss_http_head_end() */
    size_t answer_scanned; /* the same of the answer */
    struct ss_http_body body, answer;
};

/* See struct ssp__front.  In proxy.c and answer.c. */
ssp_verdict ss_proxy_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target);
ssp_verdict ss_proxy_answer(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target,
                            enum ssp__reach reach);

/* The sentence of a status that is answered for a target. */
const char *ss_proxy_gateway_why(unsigned status);

#endif
