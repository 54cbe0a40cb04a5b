/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/mux.h"

#include "ws-wrap/linger.h"
#include "ws-wrap/mux_frame.h"
#include "ws-wrap/streams.h"

enum { SESSION = 1, CHUNK_MAX = 32768 };

struct mux_state {
    bool begun; /* the session has been opened */
    bool ended; /* the server has ended it */
    bool ours;  /* the data that are being read belong to the session */
    uint16_t left;
    struct ws_linger linger;
};

/* ---- plain to wire ---- */

/* The target is the one that v2ray-plugin sends, whose server replaces it. */
static void open_session(struct mux_state *s, ssp_io *io, size_t n)
{
    const uint8_t head[] = {0, 12, 0, SESSION, WS_MUX_NEW, n > 0, 1, 0, 0, 1, 127, 0, 0, 1};
    ssp_put(io, head, sizeof head);
    if (n > 0)
        ssp_put(io, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, WS_MUX_LENGTH);
    s->begun = true;
}

static void put_head(ssp_io *io, enum ws_mux_status status, size_t n)
{
    uint8_t head[WS_MUX_HEAD];
    const struct ws_mux_frame frame = {.session = SESSION,
                                       .status = (uint8_t)status,
                                       .options = n > 0 ? WS_MUX_DATA : 0,
                                       .data = (uint16_t)n};
    ssp_put(io, head, ws_mux_write(&frame, head));
}

/* An End is the end of both directions for v2ray's server: it waits for that of the download. */
static ssp_verdict end_wrap(ssp_conn *conn, struct mux_state *s, ssp_io *io)
{
    if (!s->begun)
        open_session(s, io, 0);
    if (!s->ended && !ws_linger_over(conn, &s->linger, io, WS_ANSWER_MS))
        return SSP_MORE;
    put_head(io, WS_MUX_END, 0);
    return SSP_END;
}

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct mux_state *s = state;
    size_t n;
    if (ssp_conn_role(conn) == SSP_SERVER)
        return SSP_CLEAR; /* the carrier is for the engine */
    (void)ssp_in(io, &n);
    if (n == 0)
        return ssp_eof(io) ? end_wrap(conn, s, io) : SSP_MORE;
    n = n < CHUNK_MAX ? n : CHUNK_MAX;
    if (s->begun)
        put_head(io, WS_MUX_KEEP, n);
    else
        open_session(s, io, n);
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
    size_t n, need;
    struct ws_mux_frame frame;
    const uint8_t *in = ssp_in(io, &n);
    ptrdiff_t head = ws_mux_read(&frame, in, n, &need);
    if (head == -1)
        return fail(conn, "the server sends no frames of it");
    if (head == 0) {
        ssp_need(io, need);
        return SSP_MORE;
    }
    bool ours = frame.session == SESSION;
    s->left = frame.data;
    s->ours = ours && frame.status == WS_MUX_KEEP;
    s->ended = ours && frame.status == WS_MUX_END;
    ssp_skip(io, (size_t)head);
    if (s->ended && (frame.options & WS_MUX_ERROR) != 0)
        return fail(conn, "the server has ended the session by an error");
    return s->ended ? SSP_END : SSP_OK;
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct mux_state *s = state;
    size_t n;
    if (ssp_conn_role(conn) == SSP_SERVER)
        return SSP_CLEAR;
    (void)ssp_in(io, &n);
    if (n == 0 && ssp_eof(io))
        return fail(conn, "the server ended without the end of the session");
    if (n == 0)
        return SSP_MORE;
    return s->left > 0 ? hear_data(s, io, n) : hear_frame(conn, s, io);
}

static const ssp_carrier *carrier(const void *conf)
{
    (void)conf;
    return &ws_streams_only;
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
    .carrier = carrier,
};
