/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/stream.h"

#include "ws-wrap/mux_frame.h"

#include <string.h>

enum {
    /* How long a direction that has ended waits for more of the other one, while the peer knows no
     * half-close.  A server's is the one of v2ray-plugin; a client waits for slow answers. */
    SERVER_LINGER_MS = 1000,
    /* How long TCP waits for the peer's Close frame behind ours, without half-close and with it. */
    CLOSE_LINGER_MS = 1000,
    ANSWER_LINGER_MS = 600000
};

/* ---- plain to wire ---- */

/* A frame of ours: a client's is masked, each with a key of its own. */
static struct ws_frame frame_of(const ssp_conn *conn, enum ws_opcode opcode, uint64_t len)
{
    struct ws_frame frame = {.final = true, .opcode = (uint8_t)opcode, .len = len};
    frame.masked = ssp_conn_role(conn) == SSP_CLIENT;
    if (frame.masked)
        ssp_conn_random(conn, frame.key, WS_KEY_LEN);
    return frame;
}

static size_t control(const ssp_conn *conn, enum ws_opcode opcode, const void *payload, size_t n,
                      uint8_t wire[WS_HEAD_MAX + WS_CONTROL_MAX])
{
    return ws_frame_control(frame_of(conn, opcode, n), payload, wire);
}

static size_t close_frame(const ssp_conn *conn, unsigned code,
                          uint8_t wire[WS_HEAD_MAX + WS_CONTROL_MAX])
{
    const uint8_t body[WS_CODE_LEN] = {(uint8_t)(code >> 8), (uint8_t)code};
    return control(conn, WS_CLOSE, body, sizeof body, wire);
}

static ssp_verdict say_close(const ssp_conn *conn, struct ws_stream *s, ssp_io *io)
{
    uint8_t wire[WS_HEAD_MAX + WS_CONTROL_MAX];
    bool echo = s->ended && s->heard != WS_NO_CODE;
    ssp_put(io, wire, close_frame(conn, echo ? s->heard : WS_NORMAL, wire));
    s->closed = true;
    s->linger = (struct ws_linger){.waits = false};
    return SSP_OK;
}

/* True where a client's mux.cool inside of this one has heard the end already. */
static bool has_sessions(const ssp_conn *conn)
{
    const struct ws_conf *conf = ssp_conn_conf(conn);
    return conf->mux > 0 && ssp_conn_role(conn) == SSP_CLIENT;
}

/* The end of TCP is the end of both directions for a proxy in between: it waits for the peer's
 * Close frame, too. */
static ssp_verdict end_tcp(ssp_conn *conn, struct ws_stream *s, ssp_io *io)
{
    if (has_sessions(conn))
        return SSP_END; /* a layer inside has heard the end already */
    unsigned ms = s->terms.half_close ? ANSWER_LINGER_MS : CLOSE_LINGER_MS;
    return s->ended || ws_linger_over(conn, &s->linger, io, ms) ? SSP_END : SSP_MORE;
}

/* To a peer that knows no half-close a Close frame is the end of both directions: it is held back
 * until the other one has ended, or has been silent. */
static ssp_verdict end_wrap(ssp_conn *conn, struct ws_stream *s, ssp_io *io)
{
    unsigned ms = ssp_conn_role(conn) == SSP_CLIENT ? WS_ANSWER_MS : SERVER_LINGER_MS;
    if (s->closed)
        return end_tcp(conn, s, io);
    if (has_sessions(conn) || s->terms.half_close || s->ended ||
        ws_linger_over(conn, &s->linger, io, ms))
        return say_close(conn, s, io);
    return SSP_MORE;
}

/* Asked for anew with each output, so that only silence fires it. */
static void set_ping(ssp_conn *conn)
{
    const struct ws_conf *conf = ssp_conn_conf(conn);
    if (conf->ping > 0)
        ssp_conn_timer(conn, SSP_WRAP, (unsigned)conf->ping * 1000);
}

void ws_stream_begin(ssp_conn *conn, struct ws_stream *s, struct ws_terms terms)
{
    s->terms = terms;
    set_ping(conn);
}

static ssp_verdict keep_alive(ssp_conn *conn, ssp_io *io)
{
    uint8_t wire[WS_HEAD_MAX + WS_CONTROL_MAX];
    if (!ssp_timer_fired(io))
        return SSP_MORE;
    ssp_put(io, wire, control(conn, WS_PING, "", 0, wire));
    set_ping(conn);
    return SSP_OK;
}

ssp_verdict ws_stream_wrap(ssp_conn *conn, struct ws_stream *s, ssp_io *io)
{
    size_t n, room = ssp_room_left(io);
    const uint8_t *plain = ssp_in(io, &n);
    if (n == 0)
        return ssp_eof(io) ? end_wrap(conn, s, io) : keep_alive(conn, io);

    set_ping(conn);
    bool masks = ssp_conn_role(conn) == SSP_CLIENT;
    if (masks && n > room - WS_HEAD_MAX)
        n = room - WS_HEAD_MAX; /* a call begins with more room than that */
    struct ws_frame frame = frame_of(conn, WS_BINARY, n);
    uint8_t head[WS_HEAD_MAX];
    ssp_put(io, head, ws_frame_write(&frame, head));
    if (!masks) {
        ssp_pass(io, n);
        return SSP_OK;
    }
    uint8_t *to = ssp_room(io, n);
    if (to == NULL)
        return SSP_FAIL; /* not reached: there is room */
    ws_mask(to, plain, n, frame.key);
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_OK;
}

/* ---- wire to plain ---- */

/* Behind a Close frame nothing is said. */
static void reply_close(const ssp_conn *conn, const struct ws_stream *s, ssp_io *io, unsigned code)
{
    uint8_t wire[WS_HEAD_MAX + WS_CONTROL_MAX];
    if (!s->closed)
        ssp_reply(io, wire, close_frame(conn, code, wire));
}

static ssp_verdict fail(ssp_conn *conn, const struct ws_stream *s, ssp_io *io, enum ws_code code,
                        const char *why)
{
    ssp_conn_why(conn, "websocket: %s", why);
    reply_close(conn, s, io, code);
    return SSP_FAIL;
}

/* RFC 6455, 5.1 to 5.5: why this frame may not come here, or NULL. */
static const char *wrong(const ssp_conn *conn, const struct ws_stream *s, const struct ws_frame *f)
{
    if (f->reserved != 0)
        return "the peer sets a reserved bit";
    if (f->masked != (ssp_conn_role(conn) == SSP_SERVER))
        return f->masked ? "the server masks a frame" : "the client does not mask a frame";
    if (f->opcode > WS_PONG || (f->opcode > WS_BINARY && f->opcode < WS_CLOSE))
        return "the peer sends a frame of an unknown kind";
    if (f->opcode >= WS_CLOSE)
        return !f->final                 ? "the peer cuts a control frame"
               : f->len > WS_CONTROL_MAX ? "the peer sends a control frame of more than 125 bytes"
                                         : NULL;
    if (f->len > INT64_MAX)
        return "the peer sends a frame of more than 2^63-1 bytes";
    if ((f->opcode == WS_CONTINUATION) != s->in_message)
        return s->in_message ? "the peer begins a message inside of another one"
                             : "the peer continues a message that it has not begun";
    return NULL;
}

static ssp_verdict hear_close(ssp_conn *conn, struct ws_stream *s, ssp_io *io,
                              const uint8_t *payload, size_t n)
{
    struct ws_utf8 reason = {0};
    unsigned code = ws_close_code(payload, n);
    if (code == 0)
        return fail(conn, s, io, WS_PROTOCOL_ERROR, "the peer closes with a code that is none");
    if (n > WS_CODE_LEN && !(ws_utf8_accepts(&reason, payload + WS_CODE_LEN, n - WS_CODE_LEN) &&
                             ws_utf8_whole(&reason)))
        return fail(conn, s, io, WS_BAD_TEXT, "the reason of the peer's Close frame is no UTF-8");
    if ((code == WS_NORMAL || code == WS_NO_CODE) && !s->in_message) {
        s->ended = true;
        s->heard = (uint16_t)code;
        return SSP_END;
    }
    ssp_conn_why(conn, "websocket: the peer closes %swith code %u",
                 s->in_message ? "inside of a message, " : "", code);
    reply_close(conn, s, io, code == WS_NO_CODE ? WS_NORMAL : code);
    return SSP_FAIL;
}

static ssp_verdict hear_control(ssp_conn *conn, struct ws_stream *s, ssp_io *io,
                                const struct ws_frame *f, size_t head)
{
    uint8_t payload[WS_CONTROL_MAX], wire[WS_HEAD_MAX + WS_CONTROL_MAX];
    size_t n, len = (size_t)f->len;
    const uint8_t *in = ssp_in(io, &n);
    if (n < head + len) {
        ssp_need(io, head + len);
        return SSP_MORE;
    }
    ws_mask(payload, in + head, len, f->key);
    ssp_skip(io, head + len);
    if (f->opcode == WS_CLOSE)
        return hear_close(conn, s, io, payload, len);
    if (f->opcode == WS_PING && !s->closed)
        ssp_reply(io, wire, control(conn, WS_PONG, payload, len, wire));
    return SSP_OK;
}

static ssp_verdict end_frame(ssp_conn *conn, struct ws_stream *s, ssp_io *io)
{
    s->in_message = !s->frame.final;
    if (s->is_text && s->frame.final && !ws_utf8_whole(&s->text))
        return fail(conn, s, io, WS_BAD_TEXT, "a text message ends inside of a character");
    return SSP_OK;
}

/* A server that does not multiplex tells a client that does. */
static bool looks(const ssp_conn *conn, const struct ws_stream *s)
{
    const struct ws_conf *conf = ssp_conn_conf(conn);
    return !s->is_known && ssp_conn_role(conn) == SSP_SERVER && conf->mux == 0;
}

/* As many bytes of payload tell whether the client multiplexes, however TCP has cut them;
 * a first frame that holds fewer does not. */
static size_t looked_at(const ssp_conn *conn, const struct ws_stream *s)
{
    if (!looks(conn, s))
        return 1;
    return s->frame.len < WS_MUX_LOOK ? (size_t)s->frame.len : WS_MUX_LOOK;
}

/* The beginning of the stream is looked at once: who multiplexes is told from who does not. */
static ssp_verdict emit(ssp_conn *conn, struct ws_stream *s, ssp_io *io, const uint8_t *plain,
                        size_t n)
{
    if (s->is_text && !ws_utf8_accepts(&s->text, plain, n))
        return fail(conn, s, io, WS_BAD_TEXT, "a text message is no UTF-8");
    bool multiplexed = looks(conn, s) && ws_mux_begins(plain, n) == 1;
    s->is_known = true;
    if (multiplexed)
        return fail(conn, s, io, WS_UNACCEPTABLE,
                    "the client multiplexes, which this server does not; the client needs mux=0, "
                    "or the server mux=auto");
    s->linger.moved = true;
    s->frame.len -= n;
    return SSP_OK;
}

/* A clean end is one that the peer has said. */
static ssp_verdict wait_or_fail(ssp_conn *conn, const ssp_io *io)
{
    if (!ssp_eof(io))
        return SSP_MORE;
    ssp_conn_why(conn, "websocket: the peer ended without a Close frame");
    return SSP_FAIL;
}

/* As much of the payload as is here. */
static ssp_verdict hear_payload(ssp_conn *conn, struct ws_stream *s, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n), *plain = in;
    if (n == 0)
        return wait_or_fail(conn, io);
    if (n < looked_at(conn, s) && !ssp_eof(io)) {
        ssp_need(io, looked_at(conn, s));
        return SSP_MORE;
    }
    n = s->frame.len < n ? (size_t)s->frame.len : n;
    if (s->frame.masked) {
        n = n < ssp_room_left(io) ? n : ssp_room_left(io);
        uint8_t *to = ssp_room(io, n);
        if (to == NULL || n == 0)
            return SSP_OK;
        ws_mask(to, in, n, s->frame.key);
        ws_mask_turn(s->frame.key, n);
        plain = to;
    }
    ssp_verdict verdict = emit(conn, s, io, plain, n);
    if (verdict != SSP_OK)
        return verdict;
    if (s->frame.masked) {
        ssp_used(io, n);
        ssp_skip(io, n);
    } else {
        ssp_pass(io, n);
    }
    return s->frame.len == 0 ? end_frame(conn, s, io) : SSP_OK;
}

static ssp_verdict begin_frame(ssp_conn *conn, struct ws_stream *s, ssp_io *io,
                               const struct ws_frame *f, size_t head)
{
    if (f->opcode != WS_CONTINUATION) {
        s->is_text = f->opcode == WS_TEXT;
        s->text = (struct ws_utf8){0};
    }
    s->frame = *f;
    ssp_skip(io, head);
    return f->len == 0 ? end_frame(conn, s, io) : SSP_OK;
}

ssp_verdict ws_stream_unwrap(ssp_conn *conn, struct ws_stream *s, ssp_io *io)
{
    if (s->frame.len > 0)
        return hear_payload(conn, s, io);
    size_t n, need;
    struct ws_frame frame = {0};
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return wait_or_fail(conn, io);
    size_t head = ws_frame_read(&frame, in, n, &need);
    const char *why = n >= 2 ? wrong(conn, s, &frame) : NULL;
    if (why != NULL)
        return fail(conn, s, io, WS_PROTOCOL_ERROR, why);
    if (head == 0) {
        ssp_need(io, need);
        return SSP_MORE;
    }
    return frame.opcode >= WS_CLOSE ? hear_control(conn, s, io, &frame, head)
                                    : begin_frame(conn, s, io, &frame, head);
}
