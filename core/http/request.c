/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { BAD_REQUEST = 400, NOT_IMPLEMENTED = 501 };

/* ---- reading ---- */

static bool is(struct ss_http_text method, const char *name)
{
    return method.len == strlen(name) && memcmp(method.at, name, method.len) == 0;
}

static bool is_visible(struct ss_http_text text)
{
    size_t i = 0;
    while (i < text.len && (uint8_t)text.at[i] > ' ' && text.at[i] != 0x7F)
        i++;
    return i == text.len && i > 0;
}

static int read_target(struct ss_http_request *r)
{
    if (!is_visible(r->target))
        return BAD_REQUEST;
    r->form = is(r->method, "CONNECT") ? SS_HTTP_CONNECT
              : r->target.at[0] == '/' ? SS_HTTP_OWN
                                       : SS_HTTP_ABSOLUTE;
    if (r->form == SS_HTTP_OWN)
        return 0;
    if (r->form == SS_HTTP_CONNECT)
        return ss_http_authority_read(&r->uri, r->target, 0) == 0 ? 0 : BAD_REQUEST;
    if (ss_http_uri_read(&r->uri, r->target) == -1)
        return BAD_REQUEST;
    return ss_http_is(r->uri.scheme, "http") ? 0 : NOT_IMPLEMENTED;
}

static int read_first_line(struct ss_http_request *r, struct ss_http_text line)
{
    r->method = ss_http_cut(&line, ' ');
    r->target = ss_http_cut(&line, ' ');
    int status = ss_http_version_read(line, &r->message.minor);
    if (status != 0 || !ss_http_is_token(r->method))
        return status != 0 ? status : BAD_REQUEST;
    return read_target(r);
}

static int read_forwards(struct ss_http_request *r, struct ss_http_text value)
{
    if (!is(r->method, "TRACE") && !is(r->method, "OPTIONS"))
        return 0;
    if (r->has_forwards || ss_http_number(value, &r->forwards) == -1)
        return BAD_REQUEST;
    r->has_forwards = true;
    r->last_hop = r->forwards == 0;
    r->forwards -= r->forwards > 0;
    return 0;
}

/* A second one could be the one that another reader takes. */
static int read_once(struct ss_http_text *field, struct ss_http_text value)
{
    if (field->at != NULL)
        return BAD_REQUEST;
    *field = value;
    return 0;
}

static int read_field(struct ss_http_request *r, const struct ss_http_field *f)
{
    if (ss_http_is(f->name, "host"))
        return read_once(&r->host, f->value);
    if (ss_http_is(f->name, "proxy-authorization"))
        return read_once(&r->credentials, f->value);
    if (ss_http_is(f->name, "max-forwards"))
        return read_forwards(r, f->value);
    if (ss_http_is(f->name, "authorization"))
        return read_once(&r->authorization, f->value);
    if (ss_http_is(f->name, "expect") && r->message.minor > 0)
        r->expects = r->expects || ss_http_is(f->value, "100-continue");
    if (ss_http_is(f->name, "upgrade") && ss_http_is(f->value, "websocket") &&
        ss_http_message_names(&r->message, SS_HTTP_TEXT("upgrade")))
        r->websocket = f->value;
    return 0;
}

static bool has_body(const struct ss_http_request *r)
{
    return r->message.chunked || r->message.length > 0;
}

int ss_http_request_read(struct ss_http_request *r, const uint8_t *p, size_t len)
{
    struct ss_http_fields fields;
    struct ss_http_field field;
    *r = (struct ss_http_request){.form = SS_HTTP_OWN};
    struct ss_http_text line = ss_http_head_split(p, len, SS_HTTP_STRICT, &fields);
    r->message.fields = fields;
    int status = read_first_line(r, line);
    if (status == 0)
        status = ss_http_message_read(&r->message);
    while (status == 0 && ss_http_field_next(&fields, &field) == 1)
        status = read_field(r, &field);
    if (has_body(r)) /* which would wait behind the upgrade, as the next request */
        r->websocket = (struct ss_http_text){NULL, 0};
    return status;
}

bool ss_http_request_is(const struct ss_http_request *r, const char *method)
{
    return is(r->method, method);
}

enum ss_http_framing ss_http_request_framing(const struct ss_http_request *r)
{
    if (r->form == SS_HTTP_CONNECT)
        return SS_HTTP_NO_BODY;
    return r->message.chunked      ? SS_HTTP_CHUNKED
           : r->message.has_length ? SS_HTTP_LENGTH
                                   : SS_HTTP_NO_BODY;
}

/* ---- writing ---- */

size_t ss_http_request_room(size_t len)
{
    enum { ADDED = 512 };
    return 2 * len + ADDED;
}

static void put_first_line(struct ss_http_out *out, const struct ss_http_request *r)
{
    bool nothing = r->uri.path.len == 0 && r->uri.query.len == 0;
    ss_http_put(out, r->method);
    ss_http_put_text(out, " ");
    if (r->uri.path.len == 0)
        ss_http_put_text(out, nothing && is(r->method, "OPTIONS") ? "*" : "/");
    ss_http_put(out, r->uri.path);
    ss_http_put(out, r->uri.query);
    ss_http_put_text(out, " HTTP/1.1\r\nHost: ");
    ss_http_put(out, r->uri.authority);
    ss_http_put_text(out, "\r\n");
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c | 0x20);
    return c >= '0' && at != NULL && *at != '\0' ? (int)(at - digits) : -1;
}

/* Decodes %XX.  Returns the length. */
static size_t decode(struct ss_http_text text, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.at[i] == '%' && i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.at[i + 2]) : -1;
        out[n++] = (uint8_t)(low >= 0 ? high << 4 | low : text.at[i]);
        i += low >= 0 ? 2 : 0;
    }
    return n;
}

/* User and password of a URI are never sent on in it (RFC 9110, section 4.2.4). */
static void put_authorization(struct ss_http_out *out, struct ss_http_text userinfo)
{
    size_t cap = sodium_base64_ENCODED_LEN(userinfo.len, sodium_base64_VARIANT_ORIGINAL);
    size_t left = (size_t)(out->end - out->at);
    ss_http_put_text(out, "Authorization: Basic ");
    if (left < cap + userinfo.len + 64) {
        out->overflown = true;
        return;
    }
    uint8_t *plain = (uint8_t *)out->end - userinfo.len;
    size_t n = decode(userinfo, plain);
    (void)sodium_bin2base64(out->at, cap, plain, n, sodium_base64_VARIANT_ORIGINAL);
    out->at += strlen(out->at);
    ss_http_put_text(out, "\r\n");
}

size_t ss_http_request_write(const struct ss_http_request *r, char *to, size_t cap)
{
    struct ss_http_out out = {to, to + cap, false};
    put_first_line(&out, r);
    ss_http_put_fields(&out, &r->message, r->has_forwards ? "max-forwards" : "");
    if (r->has_forwards) {
        char line[48];
        (void)snprintf(line, sizeof line, "Max-Forwards: %llu\r\n",
                       (unsigned long long)r->forwards);
        ss_http_put_text(&out, line);
    }
    if (r->uri.userinfo.len > 0 && r->authorization.at == NULL)
        put_authorization(&out, r->uri.userinfo);
    if (r->message.chunked)
        ss_http_put_text(&out, "Transfer-Encoding: chunked\r\n");
    else if (r->message.has_length)
        ss_http_put_length(&out, r->message.length);
    if (r->websocket.at != NULL)
        ss_http_put_text(&out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    ss_http_put_text(&out, "\r\n");
    return out.overflown ? 0 : (size_t)(out.at - to);
}
