/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk_toys.h"

#include <stdbool.h>
#include <string.h>

ssp_verdict toy_identity(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return SSP_CLEAR;
}

ssp_verdict toy_spin(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return SSP_OK;
}

ssp_verdict toy_flip(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    size_t room = ssp_room_left(io);
    n = n < room ? n : room;
    if (n == 0)
        return SSP_MORE;
    uint8_t *out = ssp_room(io, n);
    if (out == NULL)
        return SSP_OK;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)~in[i];
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_OK;
}

const ssp_codec toy_xor = {
    .size = sizeof(ssp_codec), .name = "xor", .wrap = toy_flip, .unwrap = toy_flip};

ssp_verdict toy_frame_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (n > TOY_RECORD_MAX)
        n = TOY_RECORD_MAX;
    ssp_put(io, (const uint8_t[]){0x17, 3, 3, (uint8_t)(n >> 8), (uint8_t)n}, TOY_HEADER);
    ssp_pass(io, n);
    return SSP_OK;
}

ssp_verdict toy_frame_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    if (n < TOY_HEADER) {
        ssp_need(io, TOY_HEADER);
        return SSP_MORE;
    }
    unsigned len = (unsigned)p[3] << 8 | p[4];
    if (p[0] != 0x17 || p[1] != 3 || p[2] != 3 || len > TOY_RECORD_MAX)
        return SSP_FAIL;
    ssp_skip(io, TOY_HEADER);
    ssp_pass_ahead(io, len);
    return SSP_OK;
}

const ssp_codec toy_frame = {
    .size = sizeof(ssp_codec), .name = "frame", .wrap = toy_frame_wrap, .unwrap = toy_frame_unwrap};

ssp_verdict toy_upgrade_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)state;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    (void)ssp_putf(io, "%s\r\nUpgrade: toy\r\n\r\n",
                   ssp_conn_role(conn) == SSP_CLIENT ? "GET / HTTP/1.1" : "HTTP/1.1 101 Fine");
    return SSP_CLEAR;
}

ssp_verdict toy_upgrade_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)state;
    bool server = ssp_conn_role(conn) == SSP_SERVER;
    const char *want = server ? "GET " : "HTTP/1.1 101 ";
    size_t len, want_len = strlen(want), end = ssp_find(io, "\r\n\r\n", 4, 4096);
    const uint8_t *p = ssp_in(io, &len);
    if (memcmp(p, want, len < want_len ? len : want_len) != 0 || end == SSP_NPOS)
        return server ? SSP_FOREIGN : SSP_FAIL;
    if (end == 0)
        return SSP_MORE;
    ssp_skip(io, end);
    return SSP_CLEAR;
}

const ssp_codec toy_upgrade = {.size = sizeof(ssp_codec),
                               .name = "upgrade",
                               .wrap = toy_upgrade_wrap,
                               .unwrap = toy_upgrade_unwrap};

ssp_verdict toy_closing_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (n > 0 || !ssp_eof(io))
        return toy_frame_wrap(conn, state, io);
    ssp_put(io, (const uint8_t[TOY_HEADER]){0x17, 3, 3}, TOY_HEADER);
    return SSP_END;
}

/* The end is a record without payload, and nothing else. */
static ssp_verdict closing_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    if (n == 0 && ssp_eof(io))
        return SSP_FAIL;
    if (n >= TOY_HEADER && p[3] == 0 && p[4] == 0) {
        ssp_skip(io, TOY_HEADER);
        return SSP_END;
    }
    return toy_frame_unwrap(conn, state, io);
}

const ssp_codec toy_closing = {.size = sizeof(ssp_codec),
                               .name = "closing",
                               .wrap = toy_closing_wrap,
                               .unwrap = closing_unwrap};

enum { HELLO = 8 };

struct knock {
    uint8_t hello[HELLO]; /* client: what it sent */
    bool said, heard;     /* the own hello is out, the peer's is in */
};

/* The client knocks and holds its plain bytes until the server has echoed the knock. */
static ssp_verdict knock_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct knock *k = state;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (ssp_conn_role(conn) == SSP_CLIENT && !k->said) {
        ssp_conn_random(conn, k->hello, HELLO);
        ssp_put(io, k->hello, HELLO);
        k->said = true;
    }
    if (!k->heard) {
        ssp_wait(io);
        return SSP_MORE;
    }
    ssp_pass(io, n);
    return SSP_OK;
}

static ssp_verdict knock_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct knock *k = state;
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    if (k->heard)
        return SSP_CLEAR;
    if (n < HELLO) {
        ssp_need(io, HELLO);
        return SSP_MORE;
    }
    if (ssp_conn_role(conn) == SSP_SERVER)
        ssp_reply(io, p, HELLO);
    else if (memcmp(p, k->hello, HELLO) != 0)
        return SSP_FAIL;
    ssp_skip(io, HELLO);
    k->heard = true;
    return SSP_OK;
}

const ssp_codec toy_knock = {.size = sizeof(ssp_codec),
                             .name = "knock",
                             .state_size = sizeof(struct knock),
                             .wrap = knock_wrap,
                             .unwrap = knock_unwrap};

enum { BELLY = 65536, BITE = 1000 };

struct belly {
    uint8_t held[BELLY];
    size_t from, to;
};

static ssp_verdict swallow(struct belly *b, ssp_io *io)
{
    size_t unread, room = BELLY - b->to;
    const uint8_t *p = ssp_in(io, &unread);
    size_t n = unread < room ? unread : room;
    memcpy(b->held + b->to, p, n);
    b->to += n;
    ssp_skip(io, n);
    while (b->from < b->to) {
        size_t bite = b->to - b->from < BITE ? b->to - b->from : BITE;
        uint8_t *out = ssp_room(io, bite);
        if (out == NULL)
            return SSP_OK;
        memcpy(out, b->held + b->from, bite);
        ssp_used(io, bite);
        b->from += bite;
    }
    b->from = b->to = 0;
    return unread > 0 ? SSP_OK : SSP_MORE;
}

static ssp_verdict swallow_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    return swallow(state, io);
}

static ssp_verdict swallow_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    return swallow((struct belly *)state + 1, io);
}

const ssp_codec toy_swallow = {.size = sizeof(ssp_codec),
                               .name = "swallow",
                               .state_size = 2 * sizeof(struct belly),
                               .wrap = swallow_wrap,
                               .unwrap = swallow_unwrap};
