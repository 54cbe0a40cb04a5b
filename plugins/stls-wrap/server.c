/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/server.h"

#include "stls-wrap/seen.h"
#include "tls-wrap/record.h"

#include <string.h>

/* All that was not passed yet passes now, and so does all that follows. */
static ssp_verdict leave_to_site(struct stls_server *s)
{
    s->phase = STLS_SITE;
    stls_server_close(s);
    return SSP_CLEAR;
}

/* ---- from the peer ---- */

static bool replayed(const struct stls_conf *conf, const struct stls_server *s)
{
    return stls_seen_again(conf->seen, s->hello.head + STLS_SESSION_ID_AT);
}

static ssp_verdict read_hello(ssp_conn *conn, struct stls_server *s, ssp_io *io)
{
    const struct stls_conf *conf = ssp_conn_conf(conn);
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    enum stls_sign sign = stls_hello_feed(&s->hello, conf->key, in, &n);
    if (sign == STLS_FOREIGN || (sign == STLS_OURS && replayed(conf, s)))
        return leave_to_site(s);
    if (sign == STLS_OURS)
        s->phase = STLS_ANSWER;
    ssp_pass(io, n);
    return SSP_OK;
}

/* A record of ours is called again, as the first one of the data. */
static ssp_verdict admit(ssp_conn *conn, struct stls_server *s)
{
    s->phase = STLS_DATA_PHASE;
    stls_stream_end_site(&s->stream);
    ssp_conn_recall(conn);
    return SSP_MORE;
}

static ssp_verdict read_handshake(ssp_conn *conn, struct stls_server *s, ssp_io *io)
{
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    size_t record = tls_record_length(in, len);
    if (record == SSP_NPOS || (len < record && ssp_eof(io)))
        return leave_to_site(s);
    if (len < record) {
        ssp_need(io, record);
        return SSP_MORE;
    }
    if (stls_stream_expects(&s->stream, in, record))
        return admit(conn, s);
    ssp_pass(io, record);
    return SSP_OK;
}

ssp_verdict stls_server_unwrap(ssp_conn *conn, struct stls_server *s, ssp_io *io)
{
    switch (s->phase) {
    case STLS_HELLO:
        return read_hello(conn, s, io);
    case STLS_ANSWER:
        ssp_wait(io);
        return SSP_MORE;
    case STLS_HANDSHAKE:
        return read_handshake(conn, s, io);
    case STLS_DATA_PHASE:
        return stls_stream_unwrap(conn, &s->stream, io);
    case STLS_SITE:
        break;
    }
    return SSP_CLEAR;
}

/* ---- from the site ---- */

static bool take_answer(const struct stls_conf *conf, struct stls_server *s, const uint8_t *record,
                        size_t n)
{
    struct stls_answer answer;
    if (!stls_answer_read(&answer, record, n) || (conf->strict && !answer.tls13) ||
        !stls_stream_begin(&s->stream, conf->password, conf->key, SSP_SERVER, &answer))
        return false;
    stls_hello_release(&s->hello);
    s->phase = STLS_HANDSHAKE;
    return true;
}

/* A record with data of the site, such as its certificate: padded, and with a tag. */
static ssp_verdict mark(ssp_conn *conn, struct stls_server *s, ssp_io *io, size_t record)
{
    size_t len, body = record - STLS_HEADER_LEN, marked = body + STLS_TAG_LEN;
    const uint8_t *in = ssp_in(io, &len);
    uint8_t *room = ssp_room(io, STLS_PREFIX_LEN + body);
    if (room == NULL)
        return SSP_OK;
    memcpy(room, in, 3);
    room[3] = (uint8_t)(marked >> 8);
    room[4] = (uint8_t)marked;
    stls_stream_pad(&s->stream, in + STLS_HEADER_LEN, room + STLS_PREFIX_LEN, body);
    if (!stls_stream_site_tag(&s->stream, room + STLS_PREFIX_LEN, body, room + STLS_HEADER_LEN)) {
        ssp_conn_why(conn, "shadow-tls: out of memory");
        return SSP_FAIL;
    }
    ssp_used(io, STLS_PREFIX_LEN + body);
    ssp_skip(io, record);
    return SSP_OK;
}

static ssp_verdict write_handshake(ssp_conn *conn, struct stls_server *s, ssp_io *io)
{
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len == 0)
        return ssp_eof(io) ? leave_to_site(s) : SSP_MORE;
    size_t record = tls_record_length(in, len);
    if (record == SSP_NPOS || (len < record && ssp_eof(io)))
        return leave_to_site(s);
    if (len < record) {
        ssp_need(io, record);
        return SSP_MORE;
    }
    if (s->phase == STLS_ANSWER && !take_answer(ssp_conn_conf(conn), s, in, record))
        return leave_to_site(s);
    if (in[0] == STLS_DATA)
        return mark(conn, s, io, record);
    ssp_pass(io, record);
    return SSP_OK;
}

static ssp_verdict pass_all(ssp_io *io)
{
    size_t len;
    (void)ssp_in(io, &len);
    ssp_pass(io, len);
    return SSP_MORE;
}

ssp_verdict stls_server_wrap(ssp_conn *conn, struct stls_server *s, ssp_io *io)
{
    switch (s->phase) {
    case STLS_HELLO:
        return pass_all(io);
    case STLS_ANSWER:
    case STLS_HANDSHAKE:
        return write_handshake(conn, s, io);
    case STLS_DATA_PHASE:
        return stls_stream_wrap(conn, &s->stream, io);
    case STLS_SITE:
        break;
    }
    return SSP_CLEAR;
}

void stls_server_close(struct stls_server *s)
{
    stls_hello_release(&s->hello);
    stls_stream_release(&s->stream);
}
