/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs/tls.h"

#include "obfs/obfs.h"

#include <string.h>

enum {
    RECORD_HEAD = 5,
    RECORD_MAX = 16384,

    /* Both hellos. */
    RECORD_LEN_AT = 3,
    BODY_LEN_AT = 7,
    TIME_AT = 11,
    RANDOM_AT = 15,
    RANDOM_LEN = 28,
    SESSION_ID_AT = 44,

    /* ClientHello: head, ticket, name, tail. */
    EXTENSIONS_LEN_AT = 136,
    EXTENSIONS_AT = 138,
    TICKET_LEN_AT = 140,
    TICKET_AT = 142,
    NAME_HEAD = 9,

    /* Stock servers read past their buffer when a hello is cut near its end, so ours stays inside
     * the smallest segment of IPv6 (1280 less headers and timestamps). */
    HELLO_MAX = 1200,

    /* ServerHello, ChangeCipherSpec and the head of the Finished record. */
    FINISHED_AT = 102,
    FINISHED_LEN_AT = 105,
    ANSWER_HEAD = 107
};

/* clang-format off */
static const uint8_t client_head[TICKET_AT] = {
    [0] = 0x16, [1] = 3, [2] = 1,      /* handshake record */
    [5] = 1,                           /* ClientHello */
    [9] = 3, [10] = 3,                 /* TLS 1.2 */
    [43] = OBFS_TLS_SESSION_ID,
    [77] = 56,                         /* bytes of cipher suites */
    [78] = 0xc0, 0x2c, 0xc0, 0x30, 0x00, 0x9f, 0xcc, 0xa9, 0xcc, 0xa8, 0xcc, 0xaa, 0xc0, 0x2b,
    0xc0, 0x2f, 0x00, 0x9e, 0xc0, 0x24, 0xc0, 0x28, 0x00, 0x6b, 0xc0, 0x23, 0xc0, 0x27,
    0x00, 0x67, 0xc0, 0x0a, 0xc0, 0x14, 0x00, 0x39, 0xc0, 0x09, 0xc0, 0x13, 0x00, 0x33,
    0x00, 0x9d, 0x00, 0x9c, 0x00, 0x3d, 0x00, 0x3c, 0x00, 0x35, 0x00, 0x2f, 0x00, 0xff,
    [134] = 1, [135] = 0,              /* compression: null */
    [139] = 0x23,                      /* session_ticket */
};

static const uint8_t client_tail[] = {
    0x00, 0x0b, 0x00, 0x04, 3, 1, 0, 2, /* ec_point_formats */
    0x00, 0x0a, 0x00, 0x0a, 0x00, 0x08, 0x00, 0x1d, 0x00, 0x17, 0x00, 0x19, 0x00, 0x18, /* groups */
    0x00, 0x0d, 0x00, 0x20, 0x00, 0x1e, 6, 1, 6, 2, 6, 3, 5, 1, 5, 2, 5, 3, 4, 1, 4, 2, 4, 3, 3, 1,
    3, 2, 3, 3, 2, 1, 2, 2, 2, 3,       /* signature_algorithms */
    0x00, 0x16, 0x00, 0x00,             /* encrypt_then_mac */
    0x00, 0x17, 0x00, 0x00,             /* extended_master_secret */
};

/* The bytes that every peer in the field sends at the same place. */
static const struct {
    uint8_t at, value;
} client_marks[] = {
    {0, 0x16}, {1, 3}, {2, 1}, {5, 1}, {6, 0}, {9, 3}, {10, 3}, {43, OBFS_TLS_SESSION_ID}, {76, 0},
    {77, 56}, {134, 1}, {135, 0}, {138, 0}, {139, 0x23},
};

static const uint8_t server_head[ANSWER_HEAD] = {
    [0] = 0x16, 3, 1, 0, 91,           /* handshake record */
    [5] = 2, 0, 0, 87,                 /* ServerHello */
    [9] = 3, 3,                        /* TLS 1.2 */
    [43] = OBFS_TLS_SESSION_ID,
    [76] = 0xcc, 0xa8, 0,              /* suite, no compression */
    [79] = 0, 0,                       /* wrong, but part of the format: 15 bytes follow */
    [81] = 0xff, 0x01, 0, 1, 0,        /* renegotiation_info */
    [86] = 0, 0x17, 0, 0,              /* extended_master_secret */
    [90] = 0, 0x0b, 0, 2, 1, 0,        /* ec_point_formats */
    [96] = 0x14, 3, 3, 0, 1, 1,        /* ChangeCipherSpec */
    [FINISHED_AT] = 0x16, 3, 3,
};
/* clang-format on */

static size_t get16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Time and random bytes of either hello. */
static void put_random(const ssp_conn *conn, uint8_t *hello)
{
    uint32_t now = (uint32_t)ssp_conn_time(conn);
    put16(hello + TIME_AT, now >> 16);
    put16(hello + TIME_AT + 2, now & 0xffff);
    ssp_conn_random(conn, hello + RANDOM_AT, RANDOM_LEN);
}

/* One application record of what is unread; the engine calls again for the next. */
static ssp_verdict wrap_record(ssp_io *io, size_t unread)
{
    size_t n = unread < RECORD_MAX ? unread : RECORD_MAX;
    uint8_t head[RECORD_HEAD] = {0x17, 3, 3};
    put16(head + RECORD_LEN_AT, n);
    ssp_put(io, head, sizeof head);
    ssp_pass(io, n);
    return SSP_OK;
}

static ssp_verdict unwrap_record(ssp_io *io)
{
    size_t unread;
    const uint8_t *head = ssp_in(io, &unread);
    if (unread < RECORD_HEAD) {
        ssp_need(io, RECORD_HEAD);
        return SSP_MORE;
    }
    size_t n = get16(head + RECORD_LEN_AT);
    if (memcmp(head, "\x17\x03\x03", 3) != 0 || n > RECORD_MAX)
        return SSP_FAIL;
    ssp_skip(io, RECORD_HEAD);
    ssp_pass_ahead(io, n);
    return SSP_OK;
}

static void put_client_hello(ssp_conn *conn, ssp_io *io, size_t ticket)
{
    const struct obfs_conf *conf = ssp_conn_conf(conn);
    size_t name = strlen(conf->host);
    size_t extensions = 4 + ticket + NAME_HEAD + name + sizeof client_tail;

    uint8_t head[TICKET_AT];
    memcpy(head, client_head, sizeof head);
    put16(head + RECORD_LEN_AT, EXTENSIONS_AT - RECORD_HEAD + extensions);
    put16(head + BODY_LEN_AT, EXTENSIONS_AT - BODY_LEN_AT - 2 + extensions);
    put_random(conn, head);
    ssp_conn_random(conn, head + SESSION_ID_AT, OBFS_TLS_SESSION_ID);
    put16(head + EXTENSIONS_LEN_AT, extensions);
    put16(head + TICKET_LEN_AT, ticket);
    ssp_put(io, head, sizeof head);
    ssp_pass(io, ticket);

    uint8_t name_head[NAME_HEAD] = {0};
    put16(name_head + 2, name + 5);
    put16(name_head + 4, name + 3);
    put16(name_head + 7, name);
    ssp_put(io, name_head, sizeof name_head);
    ssp_put(io, conf->host, name);
    ssp_put(io, client_tail, sizeof client_tail);
}

ssp_verdict obfs_tls_client_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct obfs_tls *tls = state;
    size_t unread;
    (void)ssp_in(io, &unread);
    if (unread == 0)
        return SSP_MORE;
    if (tls->greeted)
        return wrap_record(io, unread);

    const struct obfs_conf *conf = ssp_conn_conf(conn);
    size_t room = HELLO_MAX - (TICKET_AT + NAME_HEAD + sizeof client_tail) - strlen(conf->host);
    put_client_hello(conn, io, unread < room ? unread : room);
    tls->greeted = true;
    return SSP_OK;
}

/* Ignores the contents of the hello, as all peers do: only the layout is certain. */
ssp_verdict obfs_tls_client_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    struct obfs_tls *tls = state;
    if (tls->heard)
        return unwrap_record(io);

    size_t unread;
    const uint8_t *answer = ssp_in(io, &unread);
    if (unread == 0)
        return SSP_MORE;
    if (answer[0] != server_head[0])
        return SSP_FAIL;
    if (unread < ANSWER_HEAD) {
        ssp_need(io, ANSWER_HEAD);
        return SSP_MORE;
    }
    size_t n = get16(answer + FINISHED_LEN_AT);
    if (memcmp(answer + FINISHED_AT, server_head + FINISHED_AT, 3) != 0 || n > RECORD_MAX)
        return SSP_FAIL;
    ssp_skip(io, ANSWER_HEAD);
    ssp_pass_ahead(io, n);
    tls->heard = true;
    return SSP_OK;
}

ssp_verdict obfs_tls_server_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct obfs_tls *tls = state;
    size_t unread;
    (void)ssp_in(io, &unread);
    if (unread == 0 || !tls->heard)
        return SSP_MORE;
    if (tls->greeted)
        return wrap_record(io, unread);

    /* Stock clients need the head and the first payload in one read. */
    size_t n = unread < RECORD_MAX ? unread : RECORD_MAX;
    uint8_t head[ANSWER_HEAD];
    memcpy(head, server_head, sizeof head);
    put_random(conn, head);
    memcpy(head + SESSION_ID_AT, tls->session_id, sizeof tls->session_id);
    put16(head + FINISHED_LEN_AT, n);
    ssp_put(io, head, sizeof head);
    ssp_pass(io, n);
    tls->greeted = true;
    return SSP_OK;
}

/* Judges as much of the hello's fixed part as there is. */
static bool plausible(const uint8_t *hello, size_t len)
{
    for (size_t i = 0; i < sizeof client_marks / sizeof *client_marks; i++) {
        if (client_marks[i].at < len && hello[client_marks[i].at] != client_marks[i].value)
            return false;
    }
    if (len < RECORD_LEN_AT + 2)
        return true;
    size_t end = RECORD_HEAD + get16(hello + RECORD_LEN_AT);
    if (end < TICKET_AT)
        return false;
    if (len >= BODY_LEN_AT + 2 && BODY_LEN_AT + 2 + get16(hello + BODY_LEN_AT) != end)
        return false;
    if (len >= EXTENSIONS_AT && EXTENSIONS_AT + get16(hello + EXTENSIONS_LEN_AT) != end)
        return false;
    return len < TICKET_AT || TICKET_AT + get16(hello + TICKET_LEN_AT) <= end;
}

/* server_name: one list with one name, RFC 6066, 3. */
static bool names_server(const uint8_t *extension, size_t len)
{
    return len >= 5 && get16(extension) == len - 2 && extension[2] == 0 &&
           get16(extension + 3) == len - 5;
}

static bool extensions_fit(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        if (end - at < 4)
            return false;
        size_t type = get16(at), len = get16(at + 2);
        at += 4;
        if (len > (size_t)(end - at) || (type == 0 && !names_server(at, len)))
            return false;
        at += len;
    }
    return true;
}

ssp_verdict obfs_tls_server_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    struct obfs_tls *tls = state;
    if (tls->heard)
        return unwrap_record(io);

    size_t len;
    const uint8_t *hello = ssp_in(io, &len);
    size_t total = len < TICKET_AT ? TICKET_AT : RECORD_HEAD + get16(hello + RECORD_LEN_AT);
    if (!plausible(hello, len))
        return SSP_FOREIGN;
    if (len < total) {
        /* Nothing was consumed, so the fallback also gets a peer that ended in the middle of its
         * hello. */
        if (len > 0 && ssp_eof(io))
            return SSP_FOREIGN;
        ssp_need(io, len < TICKET_AT ? 0 : total);
        return SSP_MORE;
    }
    if (!extensions_fit(hello + EXTENSIONS_AT, hello + total))
        return SSP_FOREIGN;

    size_t ticket = get16(hello + TICKET_LEN_AT);
    memcpy(tls->session_id, hello + SESSION_ID_AT, sizeof tls->session_id);
    tls->heard = true;
    ssp_skip(io, TICKET_AT);
    ssp_pass(io, ticket);
    ssp_skip(io, total - TICKET_AT - ticket);
    return SSP_OK;
}
