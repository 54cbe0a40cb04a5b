/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/json5.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing grows more: 'a' of one byte becomes \u00 and two digits at most. */
enum { GROWTH = 3, EXTRA = 32 };

struct rewriter {
    struct ss_json5 *out;
    const char *text;
    size_t len, at;
    bool unclosed; /* no comment ends any more */
};

static char peek(const struct rewriter *r, size_t ahead)
{
    if (r->len - r->at > ahead)
        return r->text[r->at + ahead];
    return '\0';
}

static void put(struct rewriter *r, char c)
{
    r->out->text[r->out->len++] = c;
}

static void copy(struct rewriter *r, size_t n)
{
    memcpy(r->out->text + r->out->len, r->text + r->at, n);
    r->out->len += n;
    r->at += n;
}

static void note(struct rewriter *r, const char *found)
{
    if (r->out->found == NULL) {
        r->out->found = found;
        r->out->at = r->at;
    }
}

static bool is_word(char c)
{
    return ((c | ' ') >= 'a' && (c | ' ') <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The length of a comment that begins here; 0 when none does, or none ends. */
static size_t comment(struct rewriter *r, size_t ahead)
{
    const char *start = r->text + r->at + ahead, *end;
    size_t left = r->len - r->at - ahead;
    if (left < 2 || start[0] != '/')
        return 0;
    if (start[1] == '/') {
        end = memchr(start, '\n', left);
        return end != NULL ? (size_t)(end - start) : left;
    }
    if (start[1] != '*' || r->unclosed)
        return 0;
    end = memmem(start + 2, left - 2, "*/", 2);
    r->unclosed = end == NULL;
    return end != NULL ? (size_t)(end - start) + 2 : 0;
}

/* How many blanks and comments come `ahead` bytes further. */
static size_t gap(struct rewriter *r, size_t ahead)
{
    size_t n = 0;
    for (;;) {
        size_t skipped = is_blank(peek(r, ahead + n)) ? 1 : comment(r, ahead + n);
        if (skipped == 0)
            return n;
        n += skipped;
    }
}

static void blank(struct rewriter *r, size_t n)
{
    for (; n > 0; n--, r->at++)
        put(r, r->text[r->at] == '\n' ? '\n' : ' ');
}

/* \' and \x41 are unknown to JSON, and so is a line that goes on after a backslash. */
static void rewrite_escape(struct rewriter *r)
{
    char c = peek(r, 1);
    if (c == '\'' || c == '\n') {
        r->at += c == '\'' ? 1 : 2;
        if (c == '\'')
            copy(r, 1);
    } else if (c == 'x') {
        r->at += 2;
        memcpy(r->out->text + r->out->len, "\\u00", 4);
        r->out->len += 4;
    } else {
        copy(r, r->len - r->at > 1 ? 2 : 1);
    }
}

static void rewrite_string(struct rewriter *r)
{
    char quote = peek(r, 0);
    if (quote == '\'')
        note(r, "a text in single quotes");
    put(r, '"');
    r->at++;
    while (r->at < r->len && peek(r, 0) != quote) {
        if (peek(r, 0) == '\\') {
            rewrite_escape(r);
            continue;
        }
        if (peek(r, 0) == '"')
            put(r, '\\');
        copy(r, 1);
    }
    if (r->at == r->len)
        return;
    put(r, '"');
    r->at++;
}

/* The point of a number, or the sign of its exponent. */
static bool goes_on(const struct rewriter *r, size_t n)
{
    char c = peek(r, n);
    return c == '.' || ((c == '+' || c == '-') && (peek(r, n - 1) | ' ') == 'e');
}

/* A name gets quotes; numbers, true, false and null are left as they are. */
static void rewrite_word(struct rewriter *r)
{
    size_t n = 1;
    bool digit = peek(r, 0) >= '0' && peek(r, 0) <= '9';
    while (is_word(peek(r, n)) || (digit && goes_on(r, n)))
        n++;
    bool name = !digit && peek(r, n + gap(r, n)) == ':';
    if (name) {
        note(r, "a name without quotes");
        put(r, '"');
    }
    copy(r, n);
    if (name)
        put(r, '"');
}

/* +1, .5 and 0x1F. */
static void rewrite_number(struct rewriter *r)
{
    bool hex = peek(r, 0) == '0' && (peek(r, 1) | ' ') == 'x';
    char digits[EXTRA] = "";
    if (!hex) {
        note(r, "a number in another form");
        if (peek(r, 0) == '.')
            put(r, '0');
        else
            r->at++;
        return;
    }
    size_t n = 2;
    while (is_word(peek(r, n)) && n < sizeof digits - 1)
        n++;
    memcpy(digits, r->text + r->at, n);
    char *end;
    unsigned long long value = strtoull(digits, &end, 16);
    if (*end != '\0' || n == 2 || n > 18) {
        copy(r, n);
        return;
    }
    note(r, "a number in another form");
    r->at += n;
    r->out->len += (size_t)snprintf(r->out->text + r->out->len, EXTRA, "%llu", value);
}

static void rewrite_one(struct rewriter *r)
{
    char c = peek(r, 0), next = peek(r, 1);
    size_t skipped = comment(r, 0);
    bool last =
        c == ',' && strchr("}]", peek(r, 1 + gap(r, 1))) != NULL && peek(r, 1 + gap(r, 1)) != '\0';
    bool digit = next >= '0' && next <= '9';
    if (skipped > 0) {
        note(r, "a comment");
        blank(r, skipped);
    } else if (last) {
        note(r, "a trailing comma");
        blank(r, 1);
    } else if (c == '"' || c == '\'') {
        rewrite_string(r);
    } else if (((c == '.' || c == '+') && digit) || (c == '0' && (next | ' ') == 'x')) {
        rewrite_number(r);
        copy(r, r->at < r->len && peek(r, 0) == '.' ? 1 : 0);
    } else if (is_word(c)) {
        rewrite_word(r);
    } else {
        copy(r, 1);
    }
}

int ss_json5_rewrite(struct ss_json5 *out, const char *text, size_t len)
{
    struct rewriter r = {.out = out, .text = text, .len = len};
    *out = (struct ss_json5){.text = malloc(GROWTH * len + EXTRA)};
    if (out->text == NULL)
        return -1;
    while (r.at < len)
        rewrite_one(&r);
    return 0;
}
