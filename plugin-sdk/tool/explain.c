/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include "command.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_SHOWN = 80, KEYS_MAX = 256 };

/* ---- reading ---- */

int explain_begin(struct explain_reading *r, const char *text)
{
    *r = (struct explain_reading){.text = text, .cursor = text, .cap = strlen(text) + 2};
    r->buf = malloc(r->cap);
    return r->buf != NULL ? 0 : -1;
}

void explain_end(struct explain_reading *r)
{
    free(r->buf);
    r->buf = NULL;
}

static const char *error_of(const char *at)
{
    if (*at == '=')
        return "a key is missing before \"=\"";
    if (*at == '\\')
        return "a lone \"\\\" at the end; write \"\\\\\" for one";
    return "the item is longer than 65536 bytes";
}

bool explain_next(struct explain_reading *r, struct explain_item *item)
{
    if (r->error != NULL)
        return false;
    const char *from = r->cursor + strspn(r->cursor, ";");
    int rc = ssp_options_next(&r->cursor, r->buf, r->cap, &item->item);
    if (rc == -1) {
        r->error = error_of(r->cursor);
        r->error_at = (size_t)(r->cursor - r->text) + 1;
    }
    item->from = (size_t)(from - r->text) + 1;
    item->to = (size_t)(r->cursor - r->text);
    return rc == 1;
}

/* ---- traps ---- */

struct trap_search {
    const char *text;
    struct explain_hint *hints;
    size_t n;
    char *keys[KEYS_MAX]; /* those seen so far; owned */
    size_t key_count;
};

static void say(struct trap_search *h, const char *trap, size_t byte, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say(struct trap_search *h, const char *trap, size_t byte, const char *format, ...)
{
    char text[EXPLAIN_HINT_MAX * 2];
    va_list args;
    if (h->n == EXPLAIN_HINTS_MAX)
        return;
    struct explain_hint *hint = &h->hints[h->n++];
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hint->trap = trap;
    hint->byte = byte;
    (void)tool_printable(hint->text, sizeof hint->text, text);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t n = strlen(text), m = strlen(with);
    return n >= m && strcmp(text + n - m, with) == 0;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Where in value something like "&key=" joins a further option by a wrong separator; NULL: not. */
static const char *joined_by(const char *value, char separator)
{
    for (const char *at = strchr(value, separator); at != NULL; at = strchr(at + 1, separator)) {
        const char *word = at + 1;
        while (in_word(*word))
            word++;
        if (word > at + 2 && *word == '=')
            return at;
    }
    return NULL;
}

static void look_for_joins(struct trap_search *h, const struct explain_item *i)
{
    static const char separators[] = "&:,";
    if (i->item.value == NULL || begins(i->item.value, "http://") ||
        begins(i->item.value, "https://"))
        return;
    for (const char *s = separators; *s != '\0'; s++) {
        const char *at = joined_by(i->item.value, *s);
        if (at == NULL)
            continue;
        say(h, "joined", i->from,
            "the value of %.*s contains \"%.*s\": if that is meant as an option of its own, join "
            "by \";\" instead of \"%c\"",
            WORD_SHOWN, i->item.key, WORD_SHOWN, at + 1, *s);
        return;
    }
}

static void look_at_escapes(struct trap_search *h, const struct explain_item *i)
{
    if (i->item.value != NULL || strchr(i->item.key, '=') == NULL)
        return;
    say(h, "sip002-escape", i->from,
        "\"\\=\" makes \"=\" a part of the key, as if an ss:// link (SIP002) had been cut out "
        "without unescaping it: write %.*s",
        WORD_SHOWN, i->item.key);
}

static bool is_a_plugin(const char *key)
{
    static const char *const names[] = {"simple-obfs", "obfs-local", "obfs-server", "cloak",
                                        "ck-client",   "ck-server",  "kcptun",      "qtun-client",
                                        "qtun-server", "gost",       "goquiet",     NULL};
    for (const char *const *n = names; *n != NULL; n++) {
        if (strcmp(key, *n) == 0)
            return true;
    }
    return ends(key, "-plugin");
}

static void look_for_a_plugin(struct trap_search *h, const struct explain_item *i)
{
    const char *key = i->item.key;
    bool first = i->from == 1 + strspn(h->text, ";");
    if (strcmp(key, "plugin") == 0 && i->item.value != NULL)
        say(h, "leading-plugin", i->from,
            "plugin=%.*s names the plugin: set it in the host's configuration, not here",
            WORD_SHOWN, i->item.value);
    else if (first && i->item.value == NULL && is_a_plugin(key))
        say(h, "leading-plugin", i->from,
            "\"%.*s;\" is the name of the plugin, as in an ss:// link: it belongs to the host's "
            "setting plugin, the rest here",
            WORD_SHOWN, key);
}

static bool padded(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && (isspace((unsigned char)text[0]) || isspace((unsigned char)text[n - 1]));
}

static void look_for_spaces(struct trap_search *h, const struct explain_item *i)
{
    if (padded(i->item.key))
        say(h, "space", i->from, "the key \"%.*s\" has a space at its edge: spaces are not skipped",
            WORD_SHOWN, i->item.key);
    else if (i->item.value != NULL && padded(i->item.value))
        say(h, "space", i->from,
            "the value of %.*s has a space at its edge: spaces are not skipped", WORD_SHOWN,
            i->item.key);
}

static void look_for_dashes(struct trap_search *h, const struct explain_item *i)
{
    const char *name = i->item.key + strspn(i->item.key, "-");
    if (name != i->item.key && *name != '\0')
        say(h, "dashes", i->from, "options have no dashes in front here: write %.*s", WORD_SHOWN,
            name);
}

/* The last one wins in most plugins, the first one in some. */
static void look_for_twins(struct trap_search *h, const struct explain_item *i)
{
    for (size_t k = 0; k < h->key_count; k++) {
        if (strcmp(h->keys[k], i->item.key) == 0) {
            say(h, "twice", i->from, "%.*s is given twice: the last one counts in most plugins",
                WORD_SHOWN, i->item.key);
            return;
        }
    }
    if (h->key_count == KEYS_MAX)
        return;
    h->keys[h->key_count] = strdup(i->item.key);
    h->key_count += h->keys[h->key_count] != NULL;
}

static void look_for_a_path(struct trap_search *h, const struct explain_item *i)
{
    const char *key = i->item.key;
    if (i->item.value == NULL && (key[0] == '/' || begins(key, "./") || ends(key, ".json")))
        say(h, "path", i->from,
            "%.*s is a path alone: Cloak and the like take one, other plugins want key=value",
            WORD_SHOWN, key);
}

typedef void item_trap(struct trap_search *h, const struct explain_item *i);

static item_trap *const of_items[] = {
    look_for_a_plugin, look_at_escapes, look_for_joins, look_for_spaces,
    look_for_dashes,   look_for_a_path, look_for_twins,
};

static void look_at_items(struct trap_search *h)
{
    struct explain_reading r;
    struct explain_item item;
    if (explain_begin(&r, h->text) == 0) {
        while (explain_next(&r, &item)) {
            for (size_t t = 0; t < sizeof of_items / sizeof *of_items; t++)
                of_items[t](h, &item);
        }
    }
    explain_end(&r);
    for (size_t k = 0; k < h->key_count; k++)
        free(h->keys[k]);
}

/* An even number of backslashes in front of the last ";" leaves it a separator. */
static bool ends_with_separator(const char *text, size_t n)
{
    size_t slashes = 0;
    if (n == 0 || text[n - 1] != ';')
        return false;
    while (slashes < n - 1 && text[n - 2 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 0;
}

static void look_at_the_whole(struct trap_search *h)
{
    const char *text = h->text;
    size_t n = strlen(text), control = strcspn(text, "\r\n\t");
    const char *percent = strcasestr(text, "%3b");
    if (percent == NULL)
        percent = strcasestr(text, "%3d");
    if (text[0] == '{')
        say(h, "json", 1, "this looks like JSON: options are written key=value;key=value");
    if (n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n - 1] == text[0])
        say(h, "quotes", 1, "the quotes are part of the string: leave them out");
    if (percent != NULL)
        say(h, "percent", (size_t)(percent - text) + 1,
            "\"%.3s\" is the percent-encoding of a link: plugins do not decode it", percent);
    if (control < n)
        say(h, "control", control + 1, "a line break or tab is part of the string");
    if (ends_with_separator(text, n))
        say(h, "trailing-separator", n,
            "the \";\" at the end is skipped here, but some plugins see an empty option there");
}

size_t explain_hints(const char *text, struct explain_hint hints[EXPLAIN_HINTS_MAX])
{
    struct trap_search h = {.text = text, .hints = hints};
    look_at_the_whole(&h);
    look_at_items(&h);
    return h.n;
}
