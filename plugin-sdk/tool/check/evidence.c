/* SPDX-License-Identifier: Apache-2.0 */
#include "check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char cut[] = "...";

/* Puts one byte as itself, or as \xNN when a terminal or a parser could mind it.  False: full. */
static bool put(struct evidence *e, unsigned char byte)
{
    char text[8];
    bool plain = byte >= ' ' && byte < 0x7f;
    int n = snprintf(text, sizeof text, plain ? "%c" : "\\x%02x", byte);
    if (e->len + (size_t)n > sizeof e->text - sizeof cut)
        return false;
    (void)memcpy(e->text + e->len, text, (size_t)n + 1);
    e->len += (size_t)n;
    return true;
}

static void put_all(struct evidence *e, const char *text)
{
    for (; *text != '\0' && !e->full; text++)
        e->full = !put(e, (unsigned char)*text);
    if (e->full)
        (void)memcpy(e->text + e->len, cut, sizeof cut);
}

void evidence_add(struct evidence *e, const char *format, ...)
{
    char clause[EVIDENCE_MAX];
    va_list args;
    if (e->full)
        return;
    va_start(args, format);
    (void)vsnprintf(clause, sizeof clause, format, args);
    va_end(args);
    put_all(e, e->len > 0 ? "; " : "");
    put_all(e, clause);
}

const char *evidence_quote(char *out, size_t cap, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && len + 4 < cap; i++) {
        bool plain = b[i] >= ' ' && b[i] < 0x7f && b[i] != '\\' && b[i] != '"';
        len += (size_t)snprintf(out + len, cap - len, plain ? "%c" : "\\x%02x", b[i]);
    }
    return out;
}

const struct subject *fixture_subject(const struct fixture *fixture, ssp_role role)
{
    return role == SSP_SERVER ? &fixture->server : &fixture->client;
}
