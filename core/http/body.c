/* SPDX-License-Identifier: Apache-2.0 */
#include "http/body.h"

#include <string.h>

enum { SIZE_LINE_MAX = 4096, TRAILER_LINE_MAX = 8192, TRAILER_MAX = 65536, DIGITS_MAX = 15 };

void ss_http_body_begin(struct ss_http_body *body, enum ss_http_framing framing, uint64_t length,
                        enum ss_http_reading reading)
{
    bool none = framing == SS_HTTP_NO_BODY || (framing == SS_HTTP_LENGTH && length == 0);
    *body = (struct ss_http_body){
        .framing = framing, .reading = reading, .part = SS_HTTP_SIZE, .done = none};
    body->left = framing == SS_HTTP_LENGTH ? length : 0;
}

/* The length of the line at p with its CRLF; 0: not there yet, -1: none. */
static ptrdiff_t line_length(const uint8_t *p, size_t n, size_t max)
{
    size_t end = n < max ? n : max;
    const uint8_t *lf = memchr(p, '\n', end);
    if (lf == NULL)
        return end < max ? 0 : -1;
    return lf > p && lf[-1] == '\r' ? lf - p + 1 : -1;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind the size: nothing, or an extension; old servers pad the size with blanks. */
static bool is_extension(const uint8_t *p, size_t n, enum ss_http_reading reading)
{
    size_t blank = 0;
    while (blank < n && (p[blank] == ' ' || p[blank] == '\t'))
        blank++;
    if (blank == n)
        return n == 0 || reading == SS_HTTP_LENIENT;
    for (size_t i = blank; i < n; i++) {
        if ((p[i] < ' ' && p[i] != '\t') || p[i] == 0x7F)
            return false;
    }
    return p[blank] == ';';
}

static ptrdiff_t next_size(struct ss_http_body *body, const uint8_t *p, size_t n)
{
    ptrdiff_t len = line_length(p, n, SIZE_LINE_MAX);
    size_t digits = 0, end = len > 0 ? (size_t)len - 2 : 0;
    if (len <= 0)
        return len;
    for (body->left = 0; digits < end && hex_digit(p[digits]) >= 0; digits++)
        body->left = body->left << 4 | (uint64_t)hex_digit(p[digits]);
    if (digits == 0 || digits > DIGITS_MAX ||
        !is_extension(p + digits, end - digits, body->reading))
        return -1;
    body->part = body->left > 0 ? SS_HTTP_BYTES : SS_HTTP_TRAILER;
    return len;
}

static ptrdiff_t next_bytes(struct ss_http_body *body, size_t n)
{
    size_t taken = body->left < n ? (size_t)body->left : n;
    body->left -= taken;
    if (body->left == 0 && body->framing == SS_HTTP_CHUNKED)
        body->part = SS_HTTP_BYTES_END;
    body->done = body->left == 0 && body->framing == SS_HTTP_LENGTH;
    return (ptrdiff_t)taken;
}

static ptrdiff_t next_bytes_end(struct ss_http_body *body, const uint8_t *p, size_t n)
{
    if (p[0] != '\r' || (n > 1 && p[1] != '\n'))
        return -1;
    if (n < 2)
        return 0;
    body->part = SS_HTTP_SIZE;
    return 2;
}

static ptrdiff_t next_trailer(struct ss_http_body *body, const uint8_t *p, size_t n)
{
    struct ss_http_fields fields;
    struct ss_http_field field;
    ptrdiff_t len = line_length(p, n, TRAILER_LINE_MAX);
    if (len <= 0)
        return len;
    fields = (struct ss_http_fields){(const char *)p, (const char *)p + len, body->reading};
    body->trailer += (unsigned)len;
    if (body->trailer > TRAILER_MAX || ss_http_field_next(&fields, &field) == -1)
        return -1;
    body->done = len == 2;
    return len;
}

ptrdiff_t ss_http_body_next(struct ss_http_body *body, const uint8_t *p, size_t n, bool *payload)
{
    *payload = body->framing != SS_HTTP_CHUNKED || body->part == SS_HTTP_BYTES;
    if (body->framing == SS_HTTP_UNTIL_END)
        return (ptrdiff_t)n;
    if (*payload)
        return next_bytes(body, n);
    switch (body->part) {
    case SS_HTTP_BYTES_END:
        return next_bytes_end(body, p, n);
    case SS_HTTP_TRAILER:
        return next_trailer(body, p, n);
    default:
        return next_size(body, p, n);
    }
}
