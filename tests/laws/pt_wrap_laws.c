/* SPDX-License-Identifier: Apache-2.0 */
/* The laws for the codec that speaks SOCKS, against a server of it that grants everything. */
#include "pt-wrap/socks.h"

#include <ssplugin/testing.h>

#include <stdio.h>
#include <string.h>

enum { GREETING, CREDENTIALS, REQUEST, OPEN };

/* Both halves have their state here. */
struct state {
    union {
        int server;
        uint8_t client[64];
    } u;
};

/* Bytes of the message at in, as far as they can be known; 0: not yet. */
static size_t message(const struct pt_socks_conf *conf, int step, const uint8_t *in, size_t n)
{
    size_t user = n > 1 ? in[1] : 0;
    if (conf->socks4) {
        const uint8_t *end = n > 8 ? memchr(in + 8, 0, n - 8) : NULL;
        return end != NULL ? (size_t)(end - in) + 1 : 0;
    }
    if (step == GREETING)
        return n > 1 ? 2 + user : 0;
    if (step == CREDENTIALS)
        return n > 2 + user ? 3 + user + in[2 + user] : 0;
    return 4 + 4 + 2;
}

static int answer(const struct pt_socks_conf *conf, struct state *state, const uint8_t *in,
                  ssp_io *io)
{
    static const uint8_t granted[] = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    if (conf->socks4) {
        ssp_reply(io, (const uint8_t[]){0, 90, 0, 0, 0, 0, 0, 0}, 8);
        return OPEN;
    }
    if (state->u.server == GREETING) {
        ssp_reply(io, (const uint8_t[]){5, in[2]}, 2);
        return in[2] == 2 ? CREDENTIALS : REQUEST;
    }
    if (state->u.server == CREDENTIALS)
        ssp_reply(io, (const uint8_t[]){1, 0}, 2);
    else
        ssp_reply(io, granted, sizeof granted);
    return state->u.server + 1;
}

static ssp_verdict serve(ssp_conn *conn, struct state *state, ssp_io *io)
{
    const struct pt_socks_conf *conf = ssp_conn_conf(conn);
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    size_t len = message(conf, state->u.server, in, n);
    if (state->u.server == OPEN)
        return SSP_CLEAR;
    if (len == 0 || n < len)
        return ssp_eof(io) ? SSP_FAIL : SSP_MORE;
    state->u.server = answer(conf, state, in, io);
    ssp_skip(io, len);
    return SSP_OK;
}

static ssp_verdict wrap(ssp_conn *conn, void *at, ssp_io *io)
{
    struct state *state = at;
    if (ssp_conn_role(conn) == SSP_CLIENT)
        return pt_socks.wrap(conn, at, io);
    return state->u.server == OPEN ? SSP_CLEAR : SSP_MORE;
}

static ssp_verdict unwrap(ssp_conn *conn, void *at, ssp_io *io)
{
    if (ssp_conn_role(conn) == SSP_CLIENT)
        return pt_socks.unwrap(conn, at, io);
    return serve(conn, at, io);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    char why[200] = "";
    struct pt_socks_conf conf = {.hosts = "127.0.0.1", .port = "443"};
    conf.socks4 = strcmp(kind, "socks4") == 0;
    conf.args = strcmp(kind, "args") == 0 ? "key=value;other=1" : NULL;
    if (pt_socks.setup(&conf, NULL, why, sizeof why) == -1) {
        (void)fprintf(stderr, "%s\n", why);
        return 1;
    }
    ssp_codec both = pt_socks;
    both.flags = SSP_LAZY_DIAL;
    both.state_size = sizeof(struct state);
    both.wrap = wrap;
    both.unwrap = unwrap;
    const ssp_law_subject subject = {.codec = &both, .client_conf = &conf, .server_conf = &conf};
    const char *broken = ssp_laws_check(&subject);
    pt_socks.release(&conf);
    if (broken != NULL)
        (void)fprintf(stderr, "%s: %s\n", kind, broken);
    return broken != NULL;
}
