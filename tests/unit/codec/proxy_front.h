/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_front.h - the front of an HTTP proxy in small: requests in absolute form, without bodies,
 * to as many hosts as the client likes; answers with a Content-Length.
 *
 * The client's connection stays: a target that ends between two answers is forgotten, and "502"
 * takes the place of the answer of one that is not reached.
 */
#ifndef SSP_TEST_PROXY_FRONT_H
#define SSP_TEST_PROXY_FRONT_H

#include "base/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROXY_HEAD_MAX = 1024 };

struct proxy_state {
    unsigned awaited; /* answers */
    size_t left;      /* of the first of them, when it has begun */
};

static void proxy_leave(struct ssp__target *target)
{
    *target = (struct ssp__target){.replaced = true};
}

/* Reads a head.  Returns its length, 0 as long as it is not complete, or SSP_NPOS. */
static size_t proxy_head(ssp_io *io, char text[PROXY_HEAD_MAX])
{
    size_t n, end = ssp_find(io, "\r\n\r\n", 4, PROXY_HEAD_MAX - 1);
    const uint8_t *head = ssp_in(io, &n);
    if (end == 0 || end == SSP_NPOS)
        return end;
    memcpy(text, head, end);
    text[end] = '\0';
    return end;
}

static ssp_verdict proxy_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    struct proxy_state *s = state;
    char head[PROXY_HEAD_MAX], host[64];
    struct ssp__endpoint named;
    uint16_t port;
    int path_at = 0;
    size_t end = proxy_head(io, head);
    if (end == 0 && s->awaited > 0)
        ssp_wait(io); /* the end of the client is not that of the answers */
    if (end == 0)
        return SSP_MORE;
    if (end == SSP_NPOS || sscanf(head, "GET http://%63[^:/]:%hu%n", host, &port, &path_at) != 2) {
        ssp_conn_why(conn, "not a request");
        return SSP_FAIL;
    }
    (void)ssp__endpoint_set(&named, host, port);
    bool known = ssp__target_known(target);
    if (known && port != target->endpoint.port && s->awaited > 0) {
        ssp_wait(io);
        return SSP_MORE;
    }
    if (!known || port != target->endpoint.port) {
        *target = (struct ssp__target){.endpoint = named, .replaced = known};
        if (known)
            return SSP_OK;
    }
    s->awaited++;
    ssp_skip(io, (size_t)path_at);
    ssp_put(io, "GET ", 4);
    ssp_pass(io, end - (size_t)path_at);
    return SSP_OK;
}

/* The end of the target: in the middle of an answer it is passed on. */
static ssp_verdict proxy_ended(struct proxy_state *s, ssp_io *io, struct ssp__target *target)
{
    for (; s->awaited > 0; s->awaited--)
        ssp_put(io, "502\n", 4);
    proxy_leave(target);
    return SSP_OK;
}

static ssp_verdict proxy_answer(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target,
                                enum ssp__reach reach)
{
    struct proxy_state *s = state;
    char head[PROXY_HEAD_MAX];
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    if (n == 0)
        return !ssp_eof(io) ? SSP_MORE : s->left > 0 ? SSP_FAIL : proxy_ended(s, io, target);
    if (reach != SSP_REACHED || s->awaited == 0)
        return SSP_FAIL;
    if (s->left == 0) {
        size_t end = proxy_head(io, head);
        if (end == 0 || end == SSP_NPOS)
            return end == 0 ? SSP_MORE : SSP_FAIL;
        const char *length = strstr(head, "Content-Length: ");
        s->left = end + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
    }
    n = n < s->left ? n : s->left;
    s->left -= n;
    s->awaited -= s->left == 0;
    ssp_pass(io, n);
    return SSP_OK;
}

static const struct ssp__front proxy_front = {.name = "proxy",
                                              .state_size = sizeof(struct proxy_state),
                                              .feed = proxy_feed,
                                              .answer = proxy_answer};

#endif
