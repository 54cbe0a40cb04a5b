/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pt_args_forget(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void pt_args_release(struct pt_args *args)
{
    for (size_t i = 0; i < args->n; i++) {
        free(args->arg[i].key);
        pt_args_forget(args->arg[i].value);
    }
    free(args->arg);
    *args = (struct pt_args){.n = 0};
}

static struct pt_arg *find(const struct pt_args *args, const char *key)
{
    for (size_t i = 0; i < args->n; i++) {
        if (strcmp(args->arg[i].key, key) == 0)
            return &args->arg[i];
    }
    return NULL;
}

const char *pt_args_get(const struct pt_args *args, const char *key)
{
    const struct pt_arg *arg = find(args, key);
    return arg != NULL ? arg->value : NULL;
}

static struct pt_arg *add(struct pt_args *args, const char *key)
{
    struct pt_arg *grown = realloc(args->arg, (args->n + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    args->arg = grown;
    grown[args->n] = (struct pt_arg){.key = strdup(key)};
    return grown[args->n].key != NULL ? &grown[args->n++] : NULL;
}

int pt_args_set(struct pt_args *args, const char *key, const char *value)
{
    struct pt_arg *arg = find(args, key);
    char *copy = strdup(value);
    if (arg == NULL && copy != NULL)
        arg = add(args, key);
    if (arg == NULL || copy == NULL) {
        pt_args_forget(copy);
        return -1;
    }
    pt_args_forget(arg->value);
    arg->value = copy;
    return 0;
}

/* Decodes up to one of stops, in place.  Returns what stopped it; -1: a lone backslash. */
static int take(char **in, const char *stops)
{
    char *from = *in, *to = *in;
    while (*from != '\0' && strchr(stops, *from) == NULL) {
        if (*from == '\\' && *++from == '\0')
            return -1;
        *to++ = *from++;
    }
    int stop = (unsigned char)*from;
    *in = stop != '\0' ? from + 1 : from;
    *to = '\0';
    return stop;
}

int pt_args_read(struct pt_args *args, const char *text)
{
    char *copy = strdup(text), *at = copy;
    int rc = copy != NULL ? 0 : -1;
    while (rc == 0 && *at != '\0') {
        const char *key = at;
        rc = take(&at, "=,") == '=' && *key != '\0' ? 0 : -1;
        const char *value = at;
        if (rc == 0)
            rc = take(&at, ",") == -1 ? -1 : pt_args_set(args, key, value);
    }
    size_t len = strlen(text);
    if (copy != NULL)
        explicit_bzero(copy, len);
    free(copy);
    return rc;
}

/* ---- out ---- */

static void put(FILE *out, const char *text, const char *specials)
{
    for (; *text != '\0'; text++) {
        if (strchr(specials, *text) != NULL)
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

/* How one of the forms is written. */
struct form {
    const char *first;  /* precedes the first key; NULL: none */
    const char *prefix; /* precedes each key */
    const char *in_key; /* the characters that are escaped there */
    const char *in_value;
};

static char *compose(const struct pt_args *args, const struct form *form)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    if (form->first != NULL)
        (void)fputs(form->first, out);
    for (size_t i = 0; i < args->n; i++) {
        if (i > 0 || form->first != NULL)
            (void)fputc(';', out);
        (void)fputs(form->prefix, out);
        put(out, args->arg[i].key, form->in_key);
        (void)fputc('=', out);
        put(out, args->arg[i].value, form->in_value);
    }
    int failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return text;
    pt_args_forget(text);
    return NULL;
}

char *pt_args_socks(const struct pt_args *args)
{
    const struct form form = {.prefix = "", .in_key = "\\=;", .in_value = "\\=;"};
    return compose(args, &form);
}

char *pt_args_server(const struct pt_args *args, const char *transport)
{
    char *prefix;
    if (asprintf(&prefix, "%s:", transport) == -1)
        return NULL;
    const struct form form = {.prefix = prefix, .in_key = "\\:;=", .in_value = "\\:;"};
    char *text = compose(args, &form);
    free(prefix);
    return text;
}

char *pt_args_client_options(const struct pt_args *args, const char *transport)
{
    char *first;
    if (asprintf(&first, "transport=%s", transport) == -1)
        return NULL;
    const struct form form = {.first = first, .prefix = "", .in_key = "\\;=", .in_value = "\\;="};
    char *text = compose(args, &form);
    free(first);
    return text;
}
