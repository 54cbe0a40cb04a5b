/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/client.h"

#include "stls-wrap/tls.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLY_MAX = 16384, LEAVE_MS = 500, LEAVE_MORE_MS = 3000 };

static ssp_verdict fail(ssp_conn *conn, const char *why)
{
    ssp_conn_why(conn, "shadow-tls: %s", why);
    ERR_clear_error();
    return SSP_FAIL;
}

static void end_handshake(struct stls_client *c)
{
    stls_tls_close(c->ssl);
    c->ssl = NULL;
}

/* ---- to the server ---- */

static ssp_verdict begin(ssp_conn *conn, struct stls_client *c, ssp_io *io)
{
    const struct stls_conf *conf = ssp_conn_conf(conn);
    const uint8_t *hello;
    c->ssl = stls_tls_open(conf->client, conf->key);
    if (c->ssl == NULL)
        return fail(conn, "OpenSSL made no ClientHello: memory is out, or its version is unknown");
    size_t n = stls_tls_output(c->ssl, &hello);
    ssp_put(io, hello, n);
    stls_tls_sent(c->ssl);
    c->stage = STLS_SHAKING;
    ssp_wait(io);
    return SSP_MORE;
}

ssp_verdict stls_client_wrap(ssp_conn *conn, struct stls_client *c, ssp_io *io)
{
    if (c->stage == STLS_BEGIN)
        return begin(conn, c, io);
    if (c->stage == STLS_LEFTOVERS || c->stage == STLS_FLOWING)
        return stls_stream_wrap(conn, &c->stream, io);
    ssp_wait(io);
    return SSP_MORE;
}

/* ---- the handshake ---- */

static void reply(struct stls_client *c, ssp_io *io)
{
    const uint8_t *bytes;
    size_t n = stls_tls_output(c->ssl, &bytes);
    for (size_t part; n > 0; n -= part, bytes += part) {
        part = n < REPLY_MAX ? n : REPLY_MAX;
        ssp_reply(io, bytes, part);
    }
    stls_tls_sent(c->ssl);
}

/* The server sends what the site has sent, padded and behind a tag. */
static bool input_marked(struct stls_client *c, const uint8_t *record, size_t n)
{
    size_t body = n - STLS_PREFIX_LEN;
    uint8_t header[STLS_HEADER_LEN] = {STLS_DATA, 3, 3, (uint8_t)(body >> 8), (uint8_t)body};
    uint8_t *plain = malloc(body);
    if (plain != NULL)
        stls_stream_pad(&c->stream, record + STLS_PREFIX_LEN, plain, body);
    bool taken = plain != NULL && stls_tls_input(c->ssl, header, sizeof header) &&
                 stls_tls_input(c->ssl, plain, body);
    free(plain);
    return taken;
}

static bool begin_stream(ssp_conn *conn, struct stls_client *c, const uint8_t *record, size_t n)
{
    const struct stls_conf *conf = ssp_conn_conf(conn);
    struct stls_answer answer;
    if (c->stream.site != NULL || !stls_answer_read(&answer, record, n))
        return true;
    c->marked = !answer.tls13;
    return stls_stream_begin(&c->stream, conf->password, conf->key, SSP_CLIENT, &answer);
}

/* True when the record has the next tag of the site's, of which it is one from here on. */
static bool is_marked(struct stls_stream *s, const uint8_t *record, size_t n)
{
    uint8_t tag[STLS_TAG_LEN];
    return n > STLS_PREFIX_LEN && record[0] == STLS_DATA && s->site != NULL &&
           stls_stream_site_tag(s, record + STLS_PREFIX_LEN, n - STLS_PREFIX_LEN, tag) &&
           stls_tag_same(tag, record + STLS_HEADER_LEN);
}

/* Returns false when memory is out. */
static bool input(ssp_conn *conn, struct stls_client *c, const uint8_t *record, size_t n)
{
    bool marked = is_marked(&c->stream, record, n);
    if (record[0] == STLS_DATA)
        c->marked = marked;
    return begin_stream(conn, c, record, n) &&
           (marked ? input_marked(c, record, n) : stls_tls_input(c->ssl, record, n));
}

/* One whose site is not ours has finished the handshake like a browser, and goes on like one. */
static ssp_verdict take_leave(ssp_conn *conn, struct stls_client *c, ssp_io *io)
{
    const struct stls_conf *conf = ssp_conn_conf(conn);
    char request[512];
    uint16_t chance;
    size_t written;
    int n = snprintf(request, sizeof request,
                     "GET / HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                     conf->host);
    (void)SSL_write_ex(c->ssl, request, (size_t)n, &written);
    reply(c, io);
    end_handshake(c);
    ssp_conn_random(conn, &chance, sizeof chance);
    ssp_conn_timer(conn, SSP_UNWRAP, LEAVE_MS + chance % LEAVE_MORE_MS);
    c->stage = STLS_REFUSED;
    ssp_conn_why(conn, "shadow-tls: the server does not know us: check passwd= at both ends, and "
                       "that nobody intercepts the connection");
    return SSP_OK;
}

static ssp_verdict shake_hands(ssp_conn *conn, struct stls_client *c, ssp_io *io)
{
    int rc = SSL_do_handshake(c->ssl);
    bool waits = rc != 1 && SSL_get_error(c->ssl, rc) == SSL_ERROR_WANT_READ;
    reply(c, io);
    if (waits)
        return SSP_OK;
    if (rc != 1)
        return fail(conn, tls_context_why(c->ssl));
    ERR_clear_error();
    if (!c->marked)
        return take_leave(conn, c, io);
    end_handshake(c);
    c->stage = STLS_LEFTOVERS;
    return SSP_OK;
}

static ssp_verdict read_handshake(ssp_conn *conn, struct stls_client *c, ssp_io *io)
{
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    size_t record = tls_record_length(in, len);
    if (record == SSP_NPOS)
        return fail(conn, "no record of TLS where one must begin");
    if (len < record && ssp_eof(io))
        return fail(conn, "the server ended the connection during the handshake");
    if (len < record) {
        ssp_need(io, record);
        ssp_wait(io);
        return SSP_MORE;
    }
    ERR_clear_error();
    bool taken = input(conn, c, in, record);
    ssp_skip(io, record);
    return taken ? shake_hands(conn, c, io) : fail(conn, "out of memory");
}

/* ---- from the server ---- */

/* Tickets of the site come behind the handshake, and are nobody's. */
static ssp_verdict read_leftovers(ssp_conn *conn, struct stls_client *c, ssp_io *io)
{
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    size_t record = STLS_HEADER_LEN;
    if (len >= STLS_HEADER_LEN)
        record += (size_t)in[3] << 8 | in[4];
    if (len < record) {
        ssp_need(io, record);
        return SSP_MORE;
    }
    if (is_marked(&c->stream, in, record)) {
        ssp_skip(io, record);
        return SSP_OK;
    }
    stls_stream_end_site(&c->stream);
    c->stage = STLS_FLOWING;
    return stls_stream_unwrap(conn, &c->stream, io);
}

static ssp_verdict read_farewell(ssp_io *io)
{
    size_t len;
    (void)ssp_in(io, &len);
    ssp_skip(io, len);
    if (ssp_eof(io) || ssp_timer_fired(io))
        return SSP_FAIL;
    ssp_wait(io);
    return SSP_MORE;
}

ssp_verdict stls_client_unwrap(ssp_conn *conn, struct stls_client *c, ssp_io *io)
{
    switch (c->stage) {
    case STLS_BEGIN:
        ssp_wait(io);
        return SSP_MORE;
    case STLS_SHAKING:
        return read_handshake(conn, c, io);
    case STLS_LEFTOVERS:
        return read_leftovers(conn, c, io);
    case STLS_REFUSED:
        return read_farewell(io);
    case STLS_FLOWING:
        break;
    }
    return stls_stream_unwrap(conn, &c->stream, io);
}

void stls_client_close(struct stls_client *c)
{
    end_handshake(c);
    stls_stream_release(&c->stream);
}
