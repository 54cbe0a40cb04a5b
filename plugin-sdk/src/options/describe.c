/* SPDX-License-Identifier: Apache-2.0 */
#include "options/describe.h"

#include "base/json.h"

#include <string.h>

enum {
    HELP_COLUMN_MAX = 32,
    HELP_WIDTH = 80,
    NAME_MAX_BYTES = 128,
    LEFT_MAX = 256,
    TEXT_MAX = 1024
};

/* A row with its display name. */
struct shown {
    const ssp_option *row;
    const char *codec; /* NULL: built in */
    char name[NAME_MAX_BYTES];
};

typedef void shown_fn(void *arg, const struct shown *shown);

static const struct {
    const char *name, *value;
} types[] = {
    [SSP_TEXT] = {"text", "TEXT"},
    [SSP_FLAG] = {"flag", ""},
    [SSP_INT] = {"int", "NUMBER"},
    [SSP_CHOICE] = {"choice", NULL},
    [SSP_ADDRESS] = {"address", "HOST:PORT"},
    [SSP_FILE] = {"file", "FILE"},
};

unsigned ssp__settings_roles(const struct ssp__settings *s)
{
    unsigned roles = 1u << SSP_CLIENT | 1u << SSP_SERVER;
    for (size_t i = 0; i < s->layers; i++) {
        if ((s->layer[i].codec.flags & SSP_CLIENT_ONLY) != 0)
            roles &= ~(1u << SSP_SERVER);
        if ((s->layer[i].codec.flags & SSP_SERVER_ONLY) != 0)
            roles &= ~(1u << SSP_CLIENT);
    }
    return roles;
}

/* True when all codecs do. */
static bool carries_datagrams(const struct ssp__settings *s)
{
    bool all = s->layers > 0;
    for (size_t i = 0; i < s->layers; i++)
        all = all && s->layer[i].codec.seal != NULL;
    return all;
}

static bool hidden(const struct ssp__settings *s, size_t layers, const char *name)
{
    bool known = false;
    for (size_t i = 0; i < layers; i++)
        known = known || ssp__option_find(s->layer[i].codec.options, name) != NULL;
    return known;
}

/* An option that no role of the program reads is not shown. */
static bool useful(const struct ssp__settings *s, const ssp_option *row)
{
    unsigned roles = ssp__settings_roles(s);
    return row->help != NULL &&
           (((roles & 1u << SSP_CLIENT) != 0 && ssp__option_concerns(row, SSP_CLIENT)) ||
            ((roles & 1u << SSP_SERVER) != 0 && ssp__option_concerns(row, SSP_SERVER)));
}

static void each_own(const struct ssp__settings *s, shown_fn *fn, void *arg)
{
    for (size_t i = 0; i < s->layers; i++) {
        const ssp_codec *codec = &s->layer[i].codec;
        for (const ssp_option *row = codec->options; row != NULL && row->name != NULL; row++) {
            struct shown shown = {.row = row, .codec = codec->name};
            bool behind = hidden(s, i, row->name);
            (void)snprintf(shown.name, sizeof shown.name, "%s%s%s", behind ? codec->name : "",
                           behind ? "." : "", row->name);
            if (useful(s, row))
                fn(arg, &shown);
        }
    }
}

static void each_builtin(const struct ssp__settings *s, shown_fn *fn, void *arg)
{
    for (const ssp_option *row = ssp__builtin_options(); row->name != NULL; row++) {
        struct shown shown = {.row = row};
        (void)snprintf(shown.name, sizeof shown.name, "%s", row->name);
        if (useful(s, row) && !hidden(s, s->layers, row->name))
            fn(arg, &shown);
    }
}

/* ---- for users ---- */

struct page {
    FILE *out;
    const struct ssp__settings *settings;
    ssp_role role; /* of an example */
    size_t column;
    bool any;
};

static const char *value_of(const ssp_option *row)
{
    return row->type == SSP_CHOICE ? row->choices : types[row->type].value;
}

/* "name=VALUE" as users type it. */
static size_t left_column(const struct shown *shown, char text[LEFT_MAX])
{
    (void)snprintf(text, LEFT_MAX, "%s%s%s", shown->name, shown->row->type == SSP_FLAG ? "" : "=",
                   value_of(shown->row));
    return strlen(text);
}

static void widen(void *arg, const struct shown *shown)
{
    struct page *page = arg;
    char left[LEFT_MAX];
    size_t width = left_column(shown, left);
    if (width > page->column && width <= HELP_COLUMN_MAX)
        page->column = width;
}

/* "client only", where the program has both roles and the row only one; else NULL. */
static const char *only(const struct ssp__settings *s, const ssp_option *row)
{
    if (ssp__settings_roles(s) != (1u << SSP_CLIENT | 1u << SSP_SERVER))
        return NULL;
    if (!ssp__option_concerns(row, SSP_SERVER))
        return "client only";
    return ssp__option_concerns(row, SSP_CLIENT) ? NULL : "server only";
}

/* Prints text in the columns from column on; a word that is longer than a line stays whole. */
static void print_wrapped(FILE *out, const char *text, size_t column)
{
    size_t at = column;
    for (const char *word = text; *word != '\0';) {
        size_t len = strcspn(word, " ");
        bool fits = at == column || at + 1 + len <= HELP_WIDTH;
        if (!fits)
            fprintf(out, "\n%*s", (int)column, "");
        at = fits ? at : column;
        fprintf(out, "%s%.*s", at > column ? " " : "", (int)len, word);
        at += len + (at > column);
        word += len + strspn(word + len, " ");
    }
    fprintf(out, "\n");
}

static void print_row(void *arg, const struct shown *shown)
{
    const struct page *page = arg;
    const ssp_option *row = shown->row;
    const char *role = only(page->settings, row);
    char left[LEFT_MAX], text[TEXT_MAX];
    size_t len = left_column(shown, left);
    (void)snprintf(text, sizeof text, "%s%s%s%s%s%s%s", row->help,
                   (row->flags & SSP_REQUIRED) != 0 ? "; required" : "", role != NULL ? "; " : "",
                   role != NULL ? role : "", row->dflt != NULL ? " (default " : "",
                   row->dflt != NULL ? row->dflt : "", row->dflt != NULL ? ")" : "");
    if (len > page->column)
        fprintf(page->out, "  %s\n%*s", left, (int)page->column + 4, "");
    else
        fprintf(page->out, "  %-*s  ", (int)page->column, left);
    print_wrapped(page->out, text, page->column + 4);
}

void ssp__describe_title(FILE *out, const struct ssp__settings *s)
{
    const ssp_codec *first = &s->layer[0].codec;
    bool about = first->about != NULL;
    fprintf(out, "%s %s%s%s\n\n", first->name, first->version, about ? ": " : "",
            about ? first->about : "");
}

void ssp__describe_help(FILE *out, const struct ssp__settings *s)
{
    struct page page = {.out = out, .settings = s};
    each_own(s, widen, &page);
    bool own = page.column > 0;
    each_builtin(s, widen, &page);
    if (own)
        fprintf(out, "Options:\n");
    each_own(s, print_row, &page);
    fprintf(out, "%sOptions of every plugin:\n", own ? "\n" : "");
    each_builtin(s, print_row, &page);
}

static void print_example(void *arg, const struct shown *shown)
{
    struct page *page = arg;
    const ssp_option *row = shown->row;
    if ((row->flags & SSP_REQUIRED) == 0 || !ssp__option_concerns(row, page->role))
        return;
    fprintf(page->out, "%s%s", page->any ? ";" : "", shown->name);
    page->any = true;
    if (row->type != SSP_FLAG)
        fprintf(page->out, "=%.*s", (int)strcspn(value_of(row), "|"), value_of(row));
}

void ssp__describe_example(FILE *out, const struct ssp__settings *s, ssp_role role)
{
    struct page page = {.out = out, .role = role};
    each_own(s, print_example, &page);
}

/* ---- for machines ---- */

static void put_roles(struct ssp__json *json, unsigned roles)
{
    ssp__json_array(json, "roles");
    if ((roles & 1u << SSP_CLIENT) != 0)
        ssp__json_text(json, NULL, "client");
    if ((roles & 1u << SSP_SERVER) != 0)
        ssp__json_text(json, NULL, "server");
    ssp__json_close(json, ']');
}

static void put_choices(struct ssp__json *json, const ssp_option *row)
{
    if (row->type != SSP_CHOICE) {
        ssp__json_text(json, "choices", NULL);
        return;
    }
    ssp__json_array(json, "choices");
    for (const char *at = row->choices; *at != '\0';) {
        char choice[NAME_MAX_BYTES];
        size_t n = strcspn(at, "|");
        (void)snprintf(choice, sizeof choice, "%.*s", (int)n, at);
        ssp__json_text(json, NULL, choice);
        at += n + (at[n] == '|' ? 1 : 0);
    }
    ssp__json_close(json, ']');
}

static void put_option(void *arg, const struct shown *shown)
{
    struct ssp__json *json = arg;
    const ssp_option *row = shown->row;
    unsigned roles = (ssp__option_concerns(row, SSP_CLIENT) ? 1u << SSP_CLIENT : 0) |
                     (ssp__option_concerns(row, SSP_SERVER) ? 1u << SSP_SERVER : 0);
    ssp__json_object(json, NULL);
    ssp__json_text(json, "name", shown->name);
    ssp__json_text(json, "type", types[row->type].name);
    put_choices(json, row);
    ssp__json_text(json, "default", row->dflt);
    ssp__json_text(json, "help", row->help);
    ssp__json_bool(json, "required", (row->flags & SSP_REQUIRED) != 0);
    put_roles(json, roles);
    ssp__json_bool(json, "secret", (row->flags & SSP_SECRET) != 0);
    ssp__json_bool(json, "builtin", shown->codec == NULL);
    ssp__json_text(json, "codec", shown->codec);
    ssp__json_close(json, '}');
}

void ssp__describe_json(FILE *out, const struct ssp__settings *s)
{
    struct ssp__json json = {.out = out, .pretty = true};
    const ssp_codec *first = &s->layer[0].codec;
    ssp__json_object(&json, NULL);
    ssp__json_text(&json, "name", first->name);
    ssp__json_text(&json, "version", first->version);
    ssp__json_text(&json, "about", first->about);
    ssp__json_text(&json, "sdk", ssp_version());
    put_roles(&json, ssp__settings_roles(s));
    ssp__json_bool(&json, "datagrams", carries_datagrams(s));
    ssp__json_array(&json, "codecs");
    for (size_t i = 0; i < s->layers; i++)
        ssp__json_text(&json, NULL, s->layer[i].codec.name);
    ssp__json_close(&json, ']');
    ssp__json_array(&json, "options");
    each_own(s, put_option, &json);
    each_builtin(s, put_option, &json);
    ssp__json_close(&json, ']');
    ssp__json_close(&json, '}');
}

/* ---- for a README ---- */

/* Text in a cell: a bar would end it. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            (void)fputc('\\', out);
        (void)fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void put_line(void *arg, const struct shown *shown)
{
    const struct page *page = arg;
    const ssp_option *row = shown->row;
    const char *role = only(page->settings, row);
    char left[LEFT_MAX];
    (void)left_column(shown, left);
    fprintf(page->out, "| `");
    put_cell(page->out, left);
    fprintf(page->out, "` | ");
    if (row->dflt != NULL)
        fprintf(page->out, "`");
    put_cell(page->out, row->dflt != NULL                  ? row->dflt
                        : (row->flags & SSP_REQUIRED) != 0 ? "required"
                                                           : "");
    fprintf(page->out, "%s | %s%s", row->dflt != NULL ? "`" : "", role != NULL ? role : "",
            role != NULL ? ": " : "");
    put_cell(page->out, row->help);
    fprintf(page->out, " |\n");
}

void ssp__describe_markdown(FILE *out, const struct ssp__settings *s)
{
    struct page page = {.out = out, .settings = s};
    ssp__describe_title(out, s);
    fprintf(out, "| option | default | meaning |\n|---|---|---|\n");
    each_own(s, put_line, &page);
    each_builtin(s, put_line, &page);
}
