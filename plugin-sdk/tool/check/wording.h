/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wording.h - option strings made from the one that was given.
 *
 * Items are moved and dropped as they stand, never decoded and encoded again: what the subject's
 * own parser makes of them is what is tested.  Results are the caller's to free; when memory is out
 * the process ends.
 */
#ifndef SSP_TOOL_WORDING_H
#define SSP_TOOL_WORDING_H

#include <stdbool.h>
#include <stddef.h>

/* options and item, joined by ";".  options may be NULL. */
char *wording_add(const char *options, const char *item);

/* The same, item first. */
char *wording_add_front(const char *options, const char *item);

/* options without the items of this key, then item. */
char *wording_replace(const char *options, const char *key, const char *item);

/* True when an item has this key; *valued when one has a value. */
bool wording_has(const char *options, const char *key, bool *valued);

/* The key of item number i, raw.  NULL when there are fewer items. */
char *wording_key(const char *options, size_t i);

/* printf into a new string. */
char *wording(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
