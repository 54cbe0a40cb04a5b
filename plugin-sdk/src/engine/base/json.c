/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

enum { INDENT = 2 };

static void line_break(const struct ssp__json *json)
{
    if (json->pretty)
        fprintf(json->out, "\n%*s", (int)json->depth * INDENT, "");
}

/* Bytes of the UTF-8 sequence at text, or 0 when there is none (RFC 3629). */
static size_t sequence(const unsigned char *text)
{
    unsigned lead = text[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead > 0xf4 || (lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] > 0x9f) ||
        (lead == 0xf0 && text[1] < 0x90) || (lead == 0xf4 && text[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

static void quote(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    (void)fputc('"', out);
    while (*at != '\0') {
        size_t n = sequence(at);
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < ' ' || *at == 0x7f)
            fprintf(out, "\\u%04x", *at);
        else if (n == 0)
            (void)fputs("\\ufffd", out);
        else
            (void)fwrite(at, 1, n, out);
        at += n > 0 ? n : 1;
    }
    (void)fputc('"', out);
}

static void begin(struct ssp__json *json, const char *key)
{
    if (json->any)
        (void)fputc(',', json->out);
    if (json->depth > 0)
        line_break(json);
    json->any = true;
    if (key == NULL)
        return;
    quote(json->out, key);
    (void)fputs(json->pretty ? ": " : ":", json->out);
}

static void open_level(struct ssp__json *json, const char *key, char bracket)
{
    begin(json, key);
    (void)fputc(bracket, json->out);
    json->depth++;
    json->any = false;
}

void ssp__json_object(struct ssp__json *json, const char *key)
{
    open_level(json, key, '{');
}

void ssp__json_array(struct ssp__json *json, const char *key)
{
    open_level(json, key, '[');
}

void ssp__json_close(struct ssp__json *json, char bracket)
{
    json->depth--;
    if (json->any)
        line_break(json);
    (void)fputc(bracket, json->out);
    json->any = true;
    if (json->depth > 0)
        return;
    (void)fputc('\n', json->out);
    json->any = false;
}

void ssp__json_text(struct ssp__json *json, const char *key, const char *text)
{
    begin(json, key);
    if (text == NULL)
        (void)fputs("null", json->out);
    else
        quote(json->out, text);
}

void ssp__json_number(struct ssp__json *json, const char *key, int64_t number)
{
    begin(json, key);
    fprintf(json->out, "%" PRId64, number);
}

void ssp__json_real(struct ssp__json *json, const char *key, double number)
{
    begin(json, key);
    fprintf(json->out, "%.3f", number);
}

void ssp__json_bool(struct ssp__json *json, const char *key, bool value)
{
    begin(json, key);
    (void)fputs(value ? "true" : "false", json->out);
}
