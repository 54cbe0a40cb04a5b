/* SPDX-License-Identifier: Apache-2.0 */
#include "http/exposition.h"

#include <inttypes.h>
#include <stdbool.h>

void ss_exposition_family(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The bytes that a first byte of UTF-8 announces; 0: it is none. */
static size_t announced(uint8_t first)
{
    static const struct {
        uint8_t from;
        size_t n;
    } rows[] = {{0xf5, 0}, {0xf0, 4}, {0xe0, 3}, {0xc2, 2}, {0x80, 0}, {0x00, 1}};
    size_t i = 0;
    while (first < rows[i].from)
        i++;
    return rows[i].n;
}

/* The length of a UTF-8 sequence, or 0 when there is none; the text ends with a NUL. */
static size_t sequence(const uint8_t *p)
{
    size_t n = announced(p[0]);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || outside ? 0 : n;
}

/* Up to the first byte that is not ASCII, or is written otherwise. */
static size_t plain_bytes(const uint8_t *p)
{
    size_t n = 0;
    while (p[n] >= ' ' && p[n] < 0x80 && p[n] != '"' && p[n] != '\\')
        n++;
    return n;
}

/* Bytes that are no UTF-8 would make a scraper refuse the whole text. */
static void put_value(FILE *out, const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    for (;;) {
        size_t plain = plain_bytes(p);
        (void)fwrite(p, 1, plain, out);
        p += plain;
        if (*p == '\0')
            return;
        size_t n = sequence(p);
        if (n == 0)
            (void)fputs("\xef\xbf\xbd", out);
        else if (*p == '\\' || *p == '"')
            (void)fprintf(out, "\\%c", *p);
        else if (*p == '\n')
            (void)fputs("\\n", out);
        else
            (void)fwrite(p, 1, n, out);
        p += n > 0 ? n : 1;
    }
}

static void put_name(FILE *out, const char *name, const struct ss_label *label, size_t labels)
{
    char before = '{';
    (void)fputs(name, out);
    for (size_t i = 0; i < labels; i++) {
        if (label[i].value == NULL)
            continue;
        (void)fputc(before, out);
        (void)fputs(label[i].name, out);
        (void)fputs("=\"", out);
        put_value(out, label[i].value);
        (void)fputc('"', out);
        before = ',';
    }
    if (before == ',')
        (void)fputc('}', out);
}

void ss_exposition_sample(FILE *out, const char *name, const struct ss_label *label, size_t labels,
                          uint64_t value)
{
    put_name(out, name, label, labels);
    (void)fprintf(out, " %" PRIu64 "\n", value);
}

void ss_exposition_thousandths(FILE *out, const char *name, const struct ss_label *label,
                               size_t labels, uint64_t thousandths)
{
    put_name(out, name, label, labels);
    (void)fprintf(out, " %" PRIu64 ".%03u\n", thousandths / 1000, (unsigned)(thousandths % 1000));
}
