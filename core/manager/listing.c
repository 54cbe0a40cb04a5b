/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Six bytes for each of a text, the names of the keys, and the end. */
enum { TEXT_MAX = 4096, ITEM_MAX = 6 * TEXT_MAX + 256, END_MAX = 3 };

static void begin(struct ss_listing *l, ss_listing_fn *send, void *arg, const char *start,
                  const char *end)
{
    l->send = send;
    l->arg = arg;
    l->end = end;
    l->begun = false;
    l->len = strlen(start);
    memcpy(l->text, start, l->len);
}

void ss_listing_begin_bytes(struct ss_listing *l, ss_listing_fn *send, void *arg)
{
    begin(l, send, arg, "stat: {", "}");
}

void ss_listing_begin_ports(struct ss_listing *l, ss_listing_fn *send, void *arg)
{
    begin(l, send, arg, "[", "\n]");
}

/* An item never spans two datagrams. */
static void add(struct ss_listing *l, const char *item, size_t n)
{
    if (l->len + n + END_MAX > sizeof l->text) {
        l->send(l->arg, l->text, l->len);
        l->len = 0;
    }
    memcpy(l->text + l->len, item, n);
    l->len += n;
    l->text[l->len++] = ',';
    l->begun = true;
}

void ss_listing_bytes(struct ss_listing *l, uint16_t port, uint64_t bytes)
{
    char item[SS_REPORT_MAX];
    int n = snprintf(item, sizeof item, "\"%u\":%" PRIu64, port, bytes);
    add(l, item, (size_t)n);
}

/* Appends text as the inside of a JSON string.  shadowsocks-libev escapes nothing, and its list
 * cannot be read then. */
static char *escape(char *out, const char *text)
{
    for (size_t i = 0; text[i] != '\0' && i < TEXT_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ')
            out += snprintf(out, sizeof "\\u0000", "\\u%04x", c);
        else if (c == '"' || c == '\\')
            *out++ = '\\';
        if (c >= ' ')
            *out++ = (char)c;
    }
    *out = '\0';
    return out;
}

void ss_listing_port(struct ss_listing *l, uint16_t port, const char *password, const char *method)
{
    char item[ITEM_MAX];
    char *at =
        item + snprintf(item, sizeof item, "\n\t{\"server_port\":\"%u\",\"password\":\"", port);
    at = escape(at, password);
    at += snprintf(at, (size_t)(item + sizeof item - at), "\",\"method\":\"%.64s\"}", method);
    add(l, item, (size_t)(at - item));
    explicit_bzero(item, sizeof item);
}

void ss_listing_end(struct ss_listing *l)
{
    if (l->begun && l->len > 0)
        l->len--; /* the comma */
    size_t n = strlen(l->end);
    memcpy(l->text + l->len, l->end, n);
    l->send(l->arg, l->text, l->len + n);
    explicit_bzero(l->text, l->len + n);
}

size_t ss_listing_report(char out[SS_REPORT_MAX], uint16_t port, uint64_t bytes)
{
    return (size_t)snprintf(out, SS_REPORT_MAX, "stat: {\"%u\":%" PRIu64 "}", port, bytes);
}
