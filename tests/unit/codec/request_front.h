/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_front.h - the front of a proxy in small: "GET http://HOST:PORT/PATH ...", headers, an
 * empty line.  The target gets "GET /PATH ..." and the headers as they are.
 */
#ifndef SSP_TEST_REQUEST_FRONT_H
#define SSP_TEST_REQUEST_FRONT_H

#include "base/front.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_MAX = 1024 };

struct request_conf {
    bool stays; /* every request is rewritten, not the first one only */
};

/* More than fits into a few words, and used at both ends. */
struct request_state {
    unsigned begun;
    char last[HEAD_MAX];
    unsigned requests;
};

static ssp_verdict request_refused(ssp_conn *conn, ssp_io *io, const char *why)
{
    ssp_reply(io, "400\n", 4);
    ssp_conn_why(conn, "%s", why);
    return SSP_FAIL;
}

static ssp_verdict request_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    const struct request_conf *conf = ssp_conn_conf(conn);
    struct request_state *kept = state;
    char host[64];
    uint16_t port;
    int path_at = 0;
    size_t n, end = ssp_find(io, "\r\n\r\n", 4, HEAD_MAX);
    const uint8_t *head = ssp_in(io, &n);
    kept->begun += kept->begun == kept->requests && n > 0;
    if (end == SSP_NPOS)
        return request_refused(conn, io, "the head is too long");
    if (end == 0)
        return SSP_MORE;
    memcpy(kept->last, head, end - 1);
    kept->last[end - 1] = '\0';
    if (sscanf(kept->last, "GET http://%63[^:/]:%hu%n", host, &port, &path_at) != 2)
        return request_refused(conn, io, "not a request");
    kept->requests++;
    if (ssp__target_known(target) && target->endpoint.port != port)
        return SSP_END; /* one connection, one target: the client comes again */
    (void)ssp__endpoint_set(&target->endpoint, host, port);
    ssp_skip(io, (size_t)path_at);
    ssp_put(io, "GET ", 4);
    ssp_pass(io, end - (size_t)path_at);
    return conf->stays ? SSP_OK : SSP_CLEAR;
}

static const struct ssp__front request_front = {
    .name = "request", .state_size = sizeof(struct request_state), .feed = request_feed};

#endif
