/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/mux.h"

#include "ws-wrap/linger.h"

#include <string.h>

enum { NEW = 1, KEEP = 2, END = 3, KEEP_ALIVE = 4 };

enum {
    LENGTH = 2,
    SESSION = 1,
    FIXED = 4, /* metadata of every frame: session, status, options */
    METADATA_MAX = 512,
    HAS_DATA = 1,
    CHUNK_MAX = 32768
};

struct mux_state {
    bool begun; /* the session has been opened */
    bool ended; /* the server has ended it */
    bool ours;  /* the data that are being read belong to the session */
    uint16_t left;
    struct ws_linger linger;
};

/* ---- plain to wire ---- */

/* The target is the one that v2ray-plugin sends, whose server replaces it. */
static void put_head(struct mux_state *s, ssp_io *io, uint8_t status, size_t n)
{
    static const uint8_t target[] = {1, 0, 0, 1, 127, 0, 0, 1};
    bool opens = !s->begun && status == KEEP;
    size_t metadata = FIXED + (opens ? sizeof target : 0);
    const uint8_t head[] = {0, (uint8_t)metadata, 0, SESSION, opens ? NEW : status, n > 0};
    ssp_put(io, head, sizeof head);
    if (opens)
        ssp_put(io, target, sizeof target);
    if (n > 0)
        ssp_put(io, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, LENGTH);
    s->begun = true;
}

/* An End is the end of both directions for v2ray's server: it waits for that of the download. */
static ssp_verdict end_wrap(ssp_conn *conn, struct mux_state *s, ssp_io *io)
{
    if (!s->begun)
        put_head(s, io, KEEP, 0);
    if (!s->ended && !ws_linger_over(conn, &s->linger, io, WS_ANSWER_MS))
        return SSP_MORE;
    put_head(s, io, END, 0);
    return SSP_END;
}

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct mux_state *s = state;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return ssp_eof(io) ? end_wrap(conn, s, io) : SSP_MORE;
    n = n < CHUNK_MAX ? n : CHUNK_MAX;
    put_head(s, io, KEEP, n);
    ssp_pass(io, n);
    return SSP_OK;
}

/* ---- wire to plain ---- */

static ssp_verdict fail(ssp_conn *conn, const char *why)
{
    ssp_conn_why(conn, "mux: %s; if the server has mux=0, so must the client", why);
    return SSP_FAIL;
}

static ssp_verdict hear_data(struct mux_state *s, ssp_io *io, size_t n)
{
    n = n < s->left ? n : s->left;
    s->left = (uint16_t)(s->left - n);
    s->linger.moved = true;
    if (s->ours)
        ssp_pass(io, n);
    else
        ssp_skip(io, n);
    return SSP_OK;
}

/* Frames of other sessions are none of ours, and what a KeepAlive carries is no payload. */
static ssp_verdict hear_frame(ssp_conn *conn, struct mux_state *s, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    size_t metadata = n >= LENGTH ? (size_t)in[0] << 8 | in[1] : FIXED;
    if (metadata < FIXED || metadata > METADATA_MAX)
        return fail(conn, "the server sends no frames of it");
    ssp_need(io, LENGTH + metadata);
    if (n < LENGTH + metadata)
        return SSP_MORE;
    uint8_t status = in[4];
    bool ours = in[2] == 0 && in[3] == SESSION, data = (in[5] & HAS_DATA) != 0;
    if (status < NEW || status > KEEP_ALIVE)
        return fail(conn, "the server sends a frame of an unknown kind");
    size_t head = LENGTH + metadata + (data ? LENGTH : 0);
    ssp_need(io, head);
    if (n < head)
        return SSP_MORE;
    if (data)
        s->left = (uint16_t)(in[head - 2] << 8 | in[head - 1]);
    s->ours = ours && status == KEEP;
    s->ended = ours && status == END;
    ssp_skip(io, head);
    return s->ended ? SSP_END : SSP_OK;
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct mux_state *s = state;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0 && ssp_eof(io))
        return fail(conn, "the server ended without the end of the session");
    if (n == 0)
        return SSP_MORE;
    return s->left > 0 ? hear_data(s, io, n) : hear_frame(conn, s, io);
}

const ssp_codec ws_mux = {
    .size = sizeof(ssp_codec),
    .name = "ws-wrap",
    .version = WS_WRAP_VERSION,
    .flags = SSP_LAZY_DIAL,
    .about = "websocket around the stream, multiplexed as v2ray-plugin does by default",
    .state_size = sizeof(struct mux_state),
    .wrap = wrap,
    .unwrap = unwrap,
};

/* ---- a server's look at the first bytes ---- */

/* Bytes of metadata, from the session's number to the end of the address. */
static size_t metadata_of_new(const uint8_t *bytes, size_t n)
{
    enum { NAME = 2, TYPE = 9, ADDRESS = 10 };
    static const uint8_t with_address[] = {0, 8 + 4, 8 + 1, 8 + 16};
    uint8_t type = bytes[TYPE];
    if (type == 0 || type >= sizeof with_address)
        return METADATA_MAX + 1;
    return (size_t)with_address[type] + (type == NAME && n > ADDRESS ? bytes[ADDRESS] : 0);
}

bool ws_mux_begins(const uint8_t *bytes, size_t n)
{
    enum { LEAST = 10 };
    if (n < LEAST)
        return false;
    size_t len = (size_t)bytes[0] << 8 | bytes[1];
    return len <= METADATA_MAX && bytes[4] == NEW && bytes[5] <= HAS_DATA &&
           (bytes[6] == 1 || bytes[6] == 2) && len >= metadata_of_new(bytes, n);
}
