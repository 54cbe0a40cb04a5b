/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

static const char *space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Each of these returns what is behind the value, or NULL when it is malformed. */

static const char *skip_value(const char *at, unsigned depth);

/* Bytes of the UTF-8 sequence of two or more at text (RFC 3629); 0: it is none. */
static size_t sequence(const char *text)
{
    const unsigned char *b = (const unsigned char *)text;
    size_t n = b[0] < 0xc2 || b[0] > 0xf4 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
        (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

static const char *skip_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < ' ')
            return NULL; /* the end of the text, too */
        if ((unsigned char)*at >= 0x80) {
            size_t n = sequence(at);
            if (n == 0)
                return NULL;
            at += n - 1;
            continue;
        }
        if (*at != '\\')
            continue;
        at++;
        if (*at == '\0' || strchr("\"\\/bfnrtu", *at) == NULL)
            return NULL;
        if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") < 4)
            return NULL;
    }
    return at + 1;
}

static const char *skip_digits(const char *at)
{
    size_t n = strspn(at, "0123456789");
    return n > 0 ? at + n : NULL;
}

static const char *skip_number(const char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : skip_digits(at);
    if (at != NULL && *at == '.')
        at = skip_digits(at + 1);
    if (at != NULL && (*at == 'e' || *at == 'E'))
        at = skip_digits(at + 1 + (at[1] == '+' || at[1] == '-'));
    return at;
}

static const char *skip_word(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    }
    return NULL;
}

/* The members of an object or an array, behind the opening bracket. */
static const char *skip_members(const char *at, char close, unsigned depth)
{
    at = space(at);
    if (*at == close)
        return at + 1;
    for (;;) {
        if (close == '}') {
            at = skip_string(space(at));
            if (at == NULL || *(at = space(at)) != ':')
                return NULL;
            at++;
        }
        at = skip_value(at, depth);
        if (at == NULL)
            return NULL;
        at = space(at);
        if (*at == close)
            return at + 1;
        if (*at++ != ',')
            return NULL;
    }
}

static const char *skip_value(const char *at, unsigned depth)
{
    at = space(at);
    if (depth == 0)
        return NULL;
    if (*at == '{')
        return skip_members(at + 1, '}', depth - 1);
    if (*at == '[')
        return skip_members(at + 1, ']', depth - 1);
    if (*at == '"')
        return skip_string(at);
    return *at == '-' || (*at >= '0' && *at <= '9') ? skip_number(at) : skip_word(at);
}

/* ---- for callers ---- */

document_value document_parse(const char *text)
{
    const char *end = skip_value(text, DEPTH_MAX);
    return end != NULL && *space(end) == '\0' ? space(text) : NULL;
}

document_value document_member(document_value value, const char *name)
{
    size_t n = strlen(name);
    if (value == NULL || *value != '{')
        return NULL;
    for (const char *at = space(value + 1); *at == '"';) {
        const char *end = skip_string(at);
        bool found = (size_t)(end - at) == n + 2 && memcmp(at + 1, name, n) == 0;
        at = space(space(end) + 1);
        if (found)
            return at;
        at = space(skip_value(at, DEPTH_MAX));
        at = *at == ',' ? space(at + 1) : at;
    }
    return NULL;
}

document_value document_first(document_value array)
{
    if (array == NULL || *array != '[')
        return NULL;
    const char *at = space(array + 1);
    return *at != ']' ? at : NULL;
}

document_value document_next(document_value element)
{
    const char *at = space(skip_value(element, DEPTH_MAX));
    return *at == ',' ? space(at + 1) : NULL;
}

static char unescape(const char **at)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char digits[5] = "";
    char c = *(*at)++;
    const char *letter = strchr(letters, c);
    if (letter != NULL)
        return meanings[letter - letters];
    if (c != 'u')
        return c;
    memcpy(digits, *at, 4);
    *at += 4;
    unsigned long code = strtoul(digits, NULL, 16);
    if (code == 0 || code >= 0x80)
        return '?';
    return (char)code;
}

const char *document_text(document_value value, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    if (value == NULL || *value == '{' || *value == '[' || *value == 'n')
        return out;
    bool string = *value == '"';
    const char *end = skip_value(value, DEPTH_MAX) - (string ? 1 : 0);
    for (const char *at = value + (string ? 1 : 0); at < end && n + 1 < cap;) {
        out[n] = *at++;
        if (string && out[n] == '\\')
            out[n] = unescape(&at);
        n++;
    }
    out[n] = '\0';
    return out;
}

bool document_is_true(document_value value)
{
    return value != NULL && *value == 't';
}
