/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/request.h"

#include <stdio.h>
#include <string.h>

size_t ws_request_write(const struct ws_conf *conf, const char *key, const char *early,
                        char text[WS_REQUEST_MAX])
{
    /* The order is the one of Go's library, which most clients are built on. */
    int n = snprintf(text, WS_REQUEST_MAX,
                     "GET %s HTTP/1.1\r\n"
                     "Host: %s\r\n"
                     "User-Agent: %s\r\n"
                     "Connection: Upgrade\r\n",
                     conf->target, conf->host, conf->user_agent);
    if (conf->mode == WS_WEBSOCKET)
        n += snprintf(text + n, WS_REQUEST_MAX - (size_t)n,
                      "%sSec-WebSocket-Key: %s\r\n"
                      "%s%s%sSec-WebSocket-Version: 13\r\n",
                      conf->half_close == WS_AUTO && conf->mux == 0
                          ? "Sec-WebSocket-Extensions: half-close\r\n"
                          : "",
                      key, *early != '\0' ? "Sec-WebSocket-Protocol: " : "", early,
                      *early != '\0' ? "\r\n" : "");
    n += snprintf(text + n, WS_REQUEST_MAX - (size_t)n, "Upgrade: websocket\r\n\r\n");
    return (size_t)n;
}

/* ---- the judgement ---- */

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* The byte at the front, its escape undone. */
static int next_byte(struct ws_span *path)
{
    int high = path->len >= 3 && path->text[0] == '%' ? hex(path->text[1]) : -1;
    int low = high >= 0 ? hex(path->text[2]) : -1;
    size_t used = low >= 0 ? 3 : 1;
    int byte = low >= 0 ? high << 4 | low : (uint8_t)path->text[0];
    *path = (struct ws_span){path->text + used, path->len - used};
    return byte;
}

static bool same_path(struct ws_span asked, const char *wanted)
{
    struct ws_span want = {wanted, strlen(wanted)};
    const char *query = memchr(asked.text, '?', asked.len);
    asked.len = query != NULL ? (size_t)(query - asked.text) : asked.len;
    bool same = true;
    while (same && asked.len > 0 && want.len > 0)
        same = next_byte(&asked) == next_byte(&want);
    return same && asked.len == 0 && want.len == 0;
}

static struct ws_span without_port(struct ws_span host)
{
    size_t digits = 0;
    while (digits < host.len && host.text[host.len - 1 - digits] >= '0' &&
           host.text[host.len - 1 - digits] <= '9')
        digits++;
    if (digits > 0 && digits < host.len && host.text[host.len - 1 - digits] == ':')
        host.len -= digits + 1;
    return host;
}

static bool same_host(const struct ws_conf *conf, struct ws_span head)
{
    struct ws_span host = ws_head_field(head, "Host");
    return conf->host == NULL || ws_span_is(host, conf->host) ||
           ws_span_is(without_port(host), conf->host);
}

static bool upgrades(const struct ws_conf *conf, struct ws_span head)
{
    if (!ws_head_lists(head, "Connection", "upgrade") ||
        !ws_head_lists(head, "Upgrade", "websocket"))
        return false;
    if (conf->mode == WS_HTTPUPGRADE)
        return true;
    struct ws_span key = ws_head_field(head, "Sec-WebSocket-Key");
    return key.text != NULL && ws_key_valid(key.text, key.len) &&
           ws_span_is(ws_head_field(head, "Sec-WebSocket-Version"), "13");
}

/* GET, a target, and the version: what they are, not yet which target. */
static bool is_request_line(struct ws_span line, struct ws_span *target)
{
    bool get = ws_head_word(&line).len == 3;
    *target = ws_head_word(&line);
    return get && target->len > 0 && target->text[0] == '/' && ws_span_equals(line, "HTTP/1.1");
}

/* A byte that no head of a request for an upgrade has there. */
static bool is_odd(const uint8_t *head, size_t at)
{
    static const char get[] = "GET ";
    uint8_t c = head[at];
    if (at < sizeof get - 1)
        return c != (uint8_t)get[at];
    if (c == '\n')
        return head[at - 1] != '\r';
    return head[at - 1] == '\r' || (c < ' ' && c != '\t' && c != '\r') || c == 0x7f;
}

/* The first line is judged alone where it ends: a web server answers what is none at once. */
static bool is_odd_line(const uint8_t *head, size_t at)
{
    struct ws_span target;
    bool ends = head[at] == '\n' && memchr(head, '\n', at) == NULL;
    return ends && !is_request_line(ws_head_line(ws_span_of(head, at + 1)), &target);
}

static bool ends_at(const uint8_t *head, size_t at)
{
    return head[at] == '\n' && at >= 3 && memcmp(head + at - 3, "\r\n\r", 3) == 0;
}

enum ws_judgement ws_request_judge(const struct ws_conf *conf, const uint8_t *head, size_t n,
                                   size_t seen)
{
    for (size_t at = seen; at < n && at < WS_HTTP_MAX; at++) {
        if (is_odd(head, at) || is_odd_line(head, at))
            return WS_FOREIGN;
        if (!ends_at(head, at))
            continue;
        struct ws_span whole = ws_span_of(head, at + 1), target;
        (void)is_request_line(ws_head_line(whole), &target);
        bool path = same_path(target, conf->target), host = same_host(conf, whole);
        return upgrades(conf, whole) && path && host ? WS_OURS : WS_FOREIGN;
    }
    return n < WS_HTTP_MAX ? WS_UNDECIDED : WS_FOREIGN;
}
