/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include <ssplugin/codec.h>

#include <string.h>

/* ---- text ---- */

static uint8_t lower(char c)
{
    uint8_t byte = (uint8_t)c;
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

struct ss_http_text ss_http_cut(struct ss_http_text *rest, char c)
{
    const char *found = rest->len > 0 ? memchr(rest->at, c, rest->len) : NULL;
    struct ss_http_text part = {rest->at, found != NULL ? (size_t)(found - rest->at) : rest->len};
    size_t gone = found != NULL ? part.len + 1 : part.len;
    *rest = (struct ss_http_text){rest->at + gone, rest->len - gone};
    return part;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct ss_http_text ss_http_trim(struct ss_http_text text)
{
    while (text.len > 0 && is_blank(text.at[0]))
        text = (struct ss_http_text){text.at + 1, text.len - 1};
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

bool ss_http_same(struct ss_http_text a, struct ss_http_text b)
{
    size_t i = 0;
    while (a.len == b.len && i < a.len && lower(a.at[i]) == lower(b.at[i]))
        i++;
    return a.len == b.len && i == a.len;
}

bool ss_http_is(struct ss_http_text text, const char *word)
{
    return ss_http_same(text, (struct ss_http_text){word, strlen(word)});
}

bool ss_http_lists(struct ss_http_text list, struct ss_http_text word)
{
    while (list.len > 0) {
        if (ss_http_same(ss_http_trim(ss_http_cut(&list, ',')), word))
            return true;
    }
    return false;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

bool ss_http_is_token(struct ss_http_text text)
{
    size_t i = 0;
    while (i < text.len && (is_alphanumeric(text.at[i]) ||
                            (text.at[i] != '\0' && strchr("!#$%&'*+-.^_`|~", text.at[i]) != NULL)))
        i++;
    return i == text.len && i > 0;
}

int ss_http_number(struct ss_http_text text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(uint8_t)text.at[i] - '0';
        if (digit > 9 || *number > ((uint64_t)INT64_MAX - digit) / 10)
            return -1;
        *number = *number * 10 + digit;
    }
    return text.len > 0 ? 0 : -1;
}

/* ---- the end of a head ---- */

/* True when the line that ends with the LF at p[at] is empty. */
static bool ends_head(const uint8_t *p, size_t at, bool cr)
{
    size_t before = cr ? at - 1 : at;
    return before == 0 || p[before - 1] == '\n';
}

size_t ss_http_head_end(const uint8_t *p, size_t n, size_t *scanned, enum ss_http_reading reading)
{
    size_t end = n < SS_HTTP_HEAD_MAX ? n : SS_HTTP_HEAD_MAX;
    while (*scanned < end) {
        const uint8_t *lf = memchr(p + *scanned, '\n', end - *scanned);
        if (lf == NULL)
            break;
        size_t at = (size_t)(lf - p);
        bool cr = at > 0 && p[at - 1] == '\r';
        if (!cr && reading == SS_HTTP_STRICT)
            return SSP_NPOS;
        *scanned = at + 1;
        if (ends_head(p, at, cr))
            return at + 1;
    }
    *scanned = end;
    return end < SS_HTTP_HEAD_MAX ? 0 : SSP_NPOS;
}

/* ---- its lines ---- */

/* The next line, without its end. */
static struct ss_http_text next_line(struct ss_http_fields *fields)
{
    struct ss_http_text rest = {fields->at, (size_t)(fields->end - fields->at)};
    struct ss_http_text line = ss_http_cut(&rest, '\n');
    fields->at = rest.at;
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

struct ss_http_text ss_http_head_split(const uint8_t *p, size_t len, enum ss_http_reading reading,
                                       struct ss_http_fields *fields)
{
    *fields = (struct ss_http_fields){(const char *)p, (const char *)p + len, reading};
    return next_line(fields);
}

/* A line break is a CR or LF that a folded value has in it. */
static bool is_value(struct ss_http_text value, bool folded)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = (uint8_t)value.at[i];
        bool breaks = folded && (c == '\r' || c == '\n');
        if ((c < ' ' && c != '\t' && !breaks) || c == 0x7F)
            return false;
    }
    return true;
}

/* Lengthens a line by those that go on with it.  Returns whether there are any. */
static bool unfold(struct ss_http_fields *fields, struct ss_http_text *line)
{
    bool folded = false;
    while (fields->reading == SS_HTTP_LENIENT && fields->at < fields->end &&
           is_blank(*fields->at)) {
        struct ss_http_text more = next_line(fields);
        line->len = (size_t)(more.at + more.len - line->at);
        folded = true;
    }
    return folded;
}

int ss_http_field_next(struct ss_http_fields *fields, struct ss_http_field *field)
{
    struct ss_http_text rest = next_line(fields);
    if (rest.len == 0)
        return 0;
    bool folded = unfold(fields, &rest);
    const char *start = rest.at;
    field->name = ss_http_cut(&rest, ':');
    bool colon = rest.at > start + field->name.len;
    if (fields->reading == SS_HTTP_LENIENT)
        field->name = ss_http_trim(field->name);
    field->value = ss_http_trim(rest);
    return colon && ss_http_is_token(field->name) && is_value(field->value, folded) ? 1 : -1;
}
