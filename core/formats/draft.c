/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 256, PIECE_MAX = 512 };

static void drop(struct ss_draft *d)
{
    if (d->text != NULL)
        explicit_bzero(d->text, d->len);
    free(d->text);
    *d = (struct ss_draft){.failed = true};
}

/* Room for n more bytes and a NUL. */
static bool reserve(struct ss_draft *d, size_t n)
{
    if (d->failed)
        return false;
    if (d->len + n < d->cap)
        return true;
    size_t cap = 2 * (d->len + n) + FIRST_CAP;
    char *text = malloc(cap);
    if (text == NULL) {
        drop(d);
        return false;
    }
    if (d->text != NULL) {
        memcpy(text, d->text, d->len);
        explicit_bzero(d->text, d->len);
    }
    free(d->text);
    d->text = text;
    d->cap = cap;
    return true;
}

static void append(struct ss_draft *d, const char *bytes, size_t n)
{
    if (!reserve(d, n))
        return;
    memcpy(d->text + d->len, bytes, n);
    d->len += n;
    d->text[d->len] = '\0';
}

void ss_draft_put(struct ss_draft *d, const char *text)
{
    append(d, text, strlen(text));
}

void ss_draft_put_byte(struct ss_draft *d, char byte)
{
    append(d, &byte, 1);
}

void ss_draft_print(struct ss_draft *d, const char *format, ...)
{
    va_list args;
    if (!reserve(d, PIECE_MAX))
        return;
    va_start(args, format);
    int n = vsnprintf(d->text + d->len, d->cap - d->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= d->cap - d->len)
        drop(d);
    else
        d->len += (size_t)n;
}

char *ss_draft_end(struct ss_draft *d)
{
    append(d, "", 0);
    if (d->failed)
        drop(d);
    char *text = d->text;
    *d = (struct ss_draft){.text = NULL};
    return text;
}
