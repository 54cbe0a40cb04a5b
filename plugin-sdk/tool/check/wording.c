/* SPDX-License-Identifier: Apache-2.0 */
#include "check/wording.h"

#include <ssplugin/env.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *wording(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n == -1)
        _exit(SSP_EXIT_OS);
    return text;
}

/* Bytes up to the next unescaped mark. */
static size_t span(const char *text, const char *marks)
{
    size_t n = 0;
    while (text[n] != '\0' && strchr(marks, text[n]) == NULL)
        n += text[n] == '\\' && text[n + 1] != '\0' ? 2 : 1;
    return n;
}

/* The next item that is not empty; false at the end. */
static bool next_item(const char **cursor, const char **item, size_t *len)
{
    while (**cursor == ';')
        (*cursor)++;
    *item = *cursor;
    *len = span(*cursor, ";");
    *cursor += *len;
    return *len > 0;
}

static bool is_of(const char *item, size_t len, const char *key)
{
    size_t n = span(item, "=;");
    return n <= len && n == strlen(key) && strncmp(item, key, n) == 0;
}

char *wording_add(const char *options, const char *item)
{
    bool empty = options == NULL || options[0] == '\0';
    return wording("%s%s%s", empty ? "" : options, empty ? "" : ";", item);
}

char *wording_add_front(const char *options, const char *item)
{
    bool empty = options == NULL || options[0] == '\0';
    return wording("%s%s%s", item, empty ? "" : ";", empty ? "" : options);
}

char *wording_replace(const char *options, const char *key, const char *item)
{
    const char *cursor = options != NULL ? options : "", *one;
    char *all = wording("%s", "");
    for (size_t len; next_item(&cursor, &one, &len);) {
        if (is_of(one, len, key))
            continue;
        char *longer = wording("%s%s%.*s", all, all[0] != '\0' ? ";" : "", (int)len, one);
        free(all);
        all = longer;
    }
    char *whole = wording_add(all, item);
    free(all);
    return whole;
}

bool wording_has(const char *options, const char *key, bool *valued)
{
    const char *cursor = options != NULL ? options : "", *one;
    bool found = false;
    *valued = false;
    for (size_t len; next_item(&cursor, &one, &len);) {
        if (!is_of(one, len, key))
            continue;
        found = true;
        *valued = *valued || span(one, "=;") < len;
    }
    return found;
}

char *wording_key(const char *options, size_t i)
{
    const char *cursor = options != NULL ? options : "", *one;
    for (size_t len; next_item(&cursor, &one, &len); i--) {
        if (i == 0)
            return wording("%.*s", (int)span(one, "=;"), one);
    }
    return NULL;
}
