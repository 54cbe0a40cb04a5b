/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs/http.h"

#include "obfs/obfs.h"

#include <ssplugin/base64.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    KEY_BYTES = 16,
    KEY_TEXT = 24, /* base64 of the key, padded */
    DATE_MAX = 80, /* any struct tm, as far as the compiler knows */
    ANSWER_MAX = 512
};

/* Released versions, out of the range from which the stock programs draw at random. */
static const char *const curl_versions[] = {"7.19.0", "7.29.0", "7.35.0", "7.37.0",
                                            "7.38.0", "7.43.0", "7.47.0", "7.50.1"};
static const char *const nginx_versions[] = {"1.2.1", "1.4.6",  "1.6.2",  "1.8.0",
                                             "1.8.1", "1.10.0", "1.10.1", "1.10.3"};

#define PICK(table, face) ((table)[(face) % (sizeof(table) / sizeof *(table))])

/* A fresh key: base64 of random bytes, with padding. */
static void draw_key(const ssp_conn *conn, char text[KEY_TEXT + 1])
{
    uint8_t key[KEY_BYTES];
    ssp_conn_random(conn, key, sizeof key);
    (void)ssp_base64_write(SSP_BASE64, key, sizeof key, text);
}

/* RFC 9110, 5.6.7.  Not strftime(), which depends on the locale. */
static void write_date(int64_t now, char text[DATE_MAX])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)now;
    struct tm t;
    if (gmtime_r(&seconds, &t) == NULL)
        t = (struct tm){.tm_mday = 1, .tm_year = 70, .tm_wday = 4};
    (void)snprintf(text, DATE_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday],
                   t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

ssp_verdict obfs_http_client_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)state;
    const struct obfs_conf *conf = ssp_conn_conf(conn);
    size_t payload;
    (void)ssp_in(io, &payload);
    if (payload == 0)
        return SSP_MORE;

    char key[KEY_TEXT + 1];
    draw_key(conn, key);
    (void)ssp_putf(io,
                   "%s %s HTTP/1.1\r\n"
                   "Host: %s\r\n"
                   "User-Agent: curl/%s\r\n"
                   "Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"
                   "Sec-WebSocket-Key: %s\r\n"
                   "Content-Length: %zu\r\n"
                   "\r\n",
                   conf->method, conf->uri, conf->authority, PICK(curl_versions, conf->face), key,
                   payload);
    return SSP_CLEAR;
}

/* Ignores the status, as all peers do: a proxy in between may have rewritten it. */
ssp_verdict obfs_http_client_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    static const char protocol[] = "HTTP/1.";
    (void)conn;
    (void)state;
    size_t len;
    const uint8_t *head = ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    if (memcmp(head, protocol, len < sizeof protocol - 1 ? len : sizeof protocol - 1) != 0)
        return SSP_FAIL;

    size_t end = ssp_find(io, "\r\n\r\n", 4, OBFS_HEAD_MAX);
    if (end == SSP_NPOS)
        return SSP_FAIL;
    if (end == 0)
        return SSP_MORE;
    ssp_skip(io, end);
    return SSP_CLEAR;
}

static size_t write_answer(const ssp_conn *conn, char text[ANSWER_MAX])
{
    const struct obfs_conf *conf = ssp_conn_conf(conn);
    char key[KEY_TEXT + 1], date[DATE_MAX];
    draw_key(conn, key);
    write_date(ssp_conn_time(conn), date);
    int n = snprintf(text, ANSWER_MAX,
                     "HTTP/1.1 101 Switching Protocols\r\n"
                     "Server: nginx/%s\r\n"
                     "Date: %s\r\n"
                     "Upgrade: websocket\r\n"
                     "Connection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n"
                     "\r\n",
                     PICK(nginx_versions, conf->face), date, key);
    return (size_t)n;
}

ssp_verdict obfs_http_server_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct obfs_http *http = state;
    size_t payload;
    (void)ssp_in(io, &payload);
    if (http->answered)
        return SSP_CLEAR;
    if (payload == 0)
        return SSP_MORE;

    char answer[ANSWER_MAX];
    ssp_put(io, answer, write_answer(conn, answer));
    http->answered = true;
    return SSP_CLEAR;
}

static void answer_at_once(const ssp_conn *conn, struct obfs_http *http, ssp_io *io)
{
    char answer[ANSWER_MAX];
    ssp_reply(io, answer, write_answer(conn, answer));
    http->answered = true;
}

ssp_verdict obfs_http_server_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct obfs_conf *conf = ssp_conn_conf(conn);
    const struct obfs_request_rule rule = {.method = conf->method, .host = conf->host};
    struct obfs_http *http = state;
    size_t len;
    const uint8_t *head = ssp_in(io, &len);
    switch (obfs_request_judge(&http->request, &rule, head, len)) {
    case OBFS_UNDECIDED:
        /* Nothing was consumed, so the fallback also gets a peer that ended in the middle of its
         * request. */
        return len > 0 && ssp_eof(io) ? SSP_FOREIGN : SSP_MORE;
    case OBFS_FOREIGN:
        return SSP_FOREIGN;
    case OBFS_COMPLETE:
        break;
    }
    ssp_skip(io, http->request.at);
    if (conf->reverse_proxy && !http->answered)
        answer_at_once(conn, http, io);
    return SSP_CLEAR;
}
