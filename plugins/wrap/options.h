/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - SS_PLUGIN_OPTIONS item by item, for plugins whose options no table can list, and the
 * values that have the same meaning in all of them.
 */
#ifndef WRAP_OPTIONS_H
#define WRAP_OPTIONS_H

#include <ssplugin/env.h>
#include <ssplugin/options.h>

#include <stdbool.h>

/* The items of an option string, decoded.  Zero is valid and empty. */
struct wrap_items {
    const char *options, *at; /* at: the next item, or the offending byte */
    char *room, *free;        /* the decoded text, and the free room behind it */
    size_t size;
};

/* options as in ssp_env: borrowed, NULL for none.  Returns 0, or -1 when memory is out. */
int wrap_items_begin(struct wrap_items *items, const char *options);

/* As ssp_options_next(), but the texts of item stay until wrap_items_end(). */
int wrap_items_next(struct wrap_items *items, ssp_item *item);

/* After -1 of that: writes the sentence, and returns the exit status. */
int wrap_items_malformed(const struct wrap_items *items, char *why, size_t why_cap);

/* Wipes and releases: options may be secrets. */
void wrap_items_end(struct wrap_items *items);

/* '-' and '_' are the same in names. */
bool wrap_same_name(const char *a, const char *b);

/* An option that stands alone or has any value but 0, false, no and off. */
bool wrap_flag(const char *value);

/* Seconds from 1 to max, decimal; 0: value is none of them.  NULL is none. */
unsigned wrap_seconds(const char *value, unsigned max);

/* True for the options `server` and `client`, which set *role; the first one has the last word, as
 * in all plugins. */
bool wrap_role(ssp_role *role, const char *key, const char *value);

#endif
