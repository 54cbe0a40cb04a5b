/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap/words.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n\v\f";

struct splitter {
    const char *line, *at;
    const struct words_place *local, *remote;
    char *text; /* the current word */
    size_t len, cap;
    char *why;
    size_t why_cap;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct splitter *s, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->why, s->why_cap, format, args);
    va_end(args);
    return -1;
}

static int position(const struct splitter *s, const char *at)
{
    return (int)(at - s->line);
}

static int add(struct splitter *s, const char *bytes, size_t n)
{
    if (s->len + n + 1 > s->cap) {
        size_t cap = 2 * (s->len + n + 1);
        char *grown = realloc(s->text, cap);
        if (grown == NULL)
            return fail(s, "out of memory");
        s->text = grown;
        s->cap = cap;
    }
    memcpy(s->text + s->len, bytes, n);
    s->len += n;
    s->text[s->len] = '\0';
    return 0;
}

static int add_text(struct splitter *s, const char *text)
{
    return add(s, text, strlen(text));
}

static int add_address(struct splitter *s, const struct words_place *place)
{
    bool v6 = strchr(place->host, ':') != NULL;
    if (add_text(s, v6 ? "[" : "") == -1 || add_text(s, place->host) == -1 ||
        add_text(s, v6 ? "]:" : ":") == -1)
        return -1;
    return add_text(s, place->port);
}

/* at points at the percent sign. */
static int add_placeholder(struct splitter *s)
{
    const struct {
        const char *name, *text;
        const struct words_place *address;
    } rows[] = {{"%", "%", NULL},
                {"L", NULL, s->local},
                {"R", NULL, s->remote},
                {"lh", s->local->host, NULL},
                {"lp", s->local->port, NULL},
                {"rh", s->remote->host, NULL},
                {"rp", s->remote->port, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].name);
        if (strncmp(s->at + 1, rows[i].name, n) != 0)
            continue;
        s->at += 1 + n;
        return rows[i].address != NULL ? add_address(s, rows[i].address)
                                       : add_text(s, rows[i].text);
    }
    return fail(s,
                "unknown placeholder %.2s at byte %d; expected %%L, %%R, %%lh, %%lp, %%rh, "
                "%%rp, or %%%% for a percent sign",
                s->at, position(s, s->at));
}

/* One byte, or the placeholder that it begins. */
static int take(struct splitter *s)
{
    if (*s->at == '%' && s->local != NULL)
        return add_placeholder(s);
    return add(s, s->at++, 1);
}

static int take_quoted(struct splitter *s)
{
    const char *begin = s->at++;
    while (*s->at != *begin) {
        if (*s->at == '\0')
            return fail(s, "the quote %c at byte %d has no end", *begin, position(s, begin));
        bool escapes = *begin == '"' && *s->at == '\\' && s->at[1] != '\0' &&
                       strchr("\\\"$`", s->at[1]) != NULL;
        s->at += escapes;
        if ((escapes ? add(s, s->at++, 1) : take(s)) == -1)
            return -1;
    }
    s->at++;
    return 0;
}

static int take_escaped(struct splitter *s)
{
    if (s->at[1] == '\0')
        return fail(s, "the backslash at byte %d has no character behind it", position(s, s->at));
    s->at += 2;
    return add(s, s->at - 1, 1);
}

/* Reads up to the next unprotected blank. */
static int take_word(struct splitter *s)
{
    s->len = 0;
    if (add_text(s, "") == -1)
        return -1;
    while (*s->at != '\0' && strchr(blanks, *s->at) == NULL) {
        bool quote = *s->at == '\'' || *s->at == '"';
        int rc = quote ? take_quoted(s) : *s->at == '\\' ? take_escaped(s) : take(s);
        if (rc == -1)
            return -1;
    }
    return 0;
}

static int keep(struct splitter *s, struct words *words)
{
    char **grown = realloc(words->word, (words->n + 2) * sizeof *grown);
    if (grown == NULL)
        return fail(s, "out of memory");
    words->word = grown;
    words->word[words->n] = s->text != NULL ? strdup(s->text) : NULL;
    if (words->word[words->n] == NULL)
        return fail(s, "out of memory");
    words->word[++words->n] = NULL;
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): two addresses, and a why with its size */
int words_split(struct words *words, const char *line, const struct words_place *local,
                const struct words_place *remote, char *why, size_t why_cap)
{
    struct splitter s = {
        .line = line, .at = line, .local = local, .remote = remote, .why = why, .why_cap = why_cap};
    int rc = 0;
    while (rc == 0 && *(s.at += strspn(s.at, blanks)) != '\0')
        rc = take_word(&s) == -1 ? -1 : keep(&s, words);
    free(s.text);
    if (rc == 0 && words->n == 0)
        rc = fail(&s, "the command is empty");
    return rc;
}

void words_release(struct words *words)
{
    for (size_t i = 0; i < words->n; i++)
        free(words->word[i]);
    free(words->word);
    *words = (struct words){.n = 0};
}
