/* SPDX-License-Identifier: Apache-2.0 */
/*
 * items.h - option strings that are taken apart and put together.
 */
#ifndef CHAIN_ITEMS_H
#define CHAIN_ITEMS_H

#include <ssplugin/options.h>

/* An option string that grows.  Zero is valid and empty. */
struct items {
    char *text; /* owned; NULL: none */
    int failed; /* memory was out: the string is not complete */
};

/* Appends "key=value", or "key" where value is NULL, with what has to be escaped. */
void items_add(struct items *items, const char *key, const char *value);
void items_release(struct items *items); /* wipes it: options may be secrets */

/* Called for each item of a string; both are borrowed.  Not 0 ends it. */
typedef int items_fn(void *arg, const char *key, const char *value);

/* Returns 0, what fn returned when that was not 0, or -1: malformed at byte *at, or memory is out
 * (*at is -1). */
int items_each(const char *options, items_fn *fn, void *arg, int *at);

#endif
