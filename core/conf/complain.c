/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A path, a key and a sentence. */
enum { LINE_SIZE = 8192, WORD_MAX = 40 };

const char *ss_program_name(enum ss_program program)
{
    return program == SS_SERVER ? "ss-server" : "ss-local";
}

/* Appends to a line of LINE_SIZE; what does not fit is cut. */
static void append(char *line, const char *text, const char *separator)
{
    size_t len = strlen(line);
    if (text != NULL)
        (void)snprintf(line + len, LINE_SIZE - len, "%s%s", text, separator);
}

void ss_complain(const struct ss_origin *origin, const char *format, ...)
{
    char message[LINE_SIZE / 2], name[SS_QUOTE_MAX], line[LINE_SIZE] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);

    append(line, ss_program_name(origin->program), ": ");
    append(line, origin->path, ": ");
    if (origin->name != NULL) {
        (void)snprintf(name, sizeof name, "%s", *origin->name != '\0' ? origin->name : "\"\"");
        append(line, name, ": ");
    }
    append(line, message, "");
    for (char *p = line; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == '\x7f')
            *p = '?';
    }
    (void)fprintf(stderr, "%s\n", line);
}

const char *ss_quote(char out[SS_QUOTE_MAX], const char *text)
{
    enum { SHOWN = 60 };
    const char *rest = strlen(text) > SHOWN ? "..." : "";
    const char *quote = *text != '\0' && strspn(text, "0123456789.+-e") == strlen(text) ? "" : "\"";
    (void)snprintf(out, SS_QUOTE_MAX, "%s%.*s%s%s", quote, SHOWN, text, rest, quote);
    return out;
}

static bool same(char a, char b)
{
    return a == b || (a == '-' && b == '_') || (a == '_' && b == '-');
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein, one row at a time. */
unsigned ss_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    unsigned row[WORD_MAX + 1];
    if (rows > WORD_MAX || columns > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= columns; j++)
        row[j] = j;
    for (unsigned i = 1; i <= rows; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned replaced = diagonal + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[columns];
}

unsigned ss_distance_limit(const char *name)
{
    enum { TYPOS_MAX = 2 };
    size_t half = (strlen(name) + 1) / 2;
    return half > TYPOS_MAX ? TYPOS_MAX + 1 : (unsigned)half;
}
