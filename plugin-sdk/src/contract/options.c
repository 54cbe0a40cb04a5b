/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/options.h>

#include "base/guess.h"

#include <string.h>

struct decoder {
    const char *at;   /* next byte of the string */
    char *next, *end; /* free part of the caller's buffer */
    size_t left;      /* bytes the item may still grow */
};

/*
 * Decodes up to one of the bytes in stops, or the end, and closes the copy with a NUL.  Returns the
 * copy, or NULL with at on the byte that is wrong or does not fit.
 */
static const char *part(struct decoder *d, const char *stops)
{
    const char *copy = d->next;
    while (*d->at != '\0' && strchr(stops, *d->at) == NULL) {
        const char *shown = *d->at == '\\' ? d->at + 1 : d->at;
        if (*shown == '\0' || d->next == d->end || d->left == 0)
            return NULL;
        *d->next++ = *shown;
        d->left--;
        d->at = shown + 1;
    }
    if (d->next == d->end)
        return NULL;
    *d->next++ = '\0';
    return copy;
}

static int fail_at(const char **cursor, const char *at)
{
    *cursor = at;
    return -1;
}

int ssp_options_next(const char **cursor, char *buf, size_t cap, ssp_item *item)
{
    struct decoder d = {
        .at = *cursor + strspn(*cursor, ";"),
        .next = buf,
        .end = buf + cap,
        .left = SSP_OPTIONS_MAX,
    };
    *item = (ssp_item){.key = NULL};
    *cursor = d.at;
    if (*d.at == '\0')
        return 0;
    if (*d.at == '=')
        return fail_at(cursor, d.at);

    item->key = part(&d, "=;");
    if (item->key == NULL)
        return fail_at(cursor, d.at);
    if (*d.at == '=') {
        d.at++;
        item->value = part(&d, ";");
        if (item->value == NULL)
            return fail_at(cursor, d.at);
    }
    *cursor = d.at;
    return 1;
}

size_t ssp_options_escape(char *out, size_t cap, const char *text)
{
    size_t len = 0;
    for (; *text != '\0'; text++) {
        if (strchr("\\;=", *text) != NULL) {
            if (len + 1 < cap)
                out[len] = '\\';
            len++;
        }
        if (len + 1 < cap)
            out[len] = *text;
        len++;
    }
    if (cap > 0)
        out[len < cap ? len : cap - 1] = '\0';
    return len;
}

const char *ssp_options_guess(const char *name, const char *const *known, size_t n)
{
    struct ssp__guess guess;
    ssp__guess_begin(&guess, name);
    for (size_t i = 0; i < n; i++)
        (void)ssp__guess_offer(&guess, known[i]);
    return guess.best;
}
