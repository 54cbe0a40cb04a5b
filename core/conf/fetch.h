/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - the content of an https URL, or of a file.
 */
#ifndef SS_CONF_FETCH_H
#define SS_CONF_FETCH_H

#include <stddef.h>

enum { SS_FETCH_WHY_MAX = 256 };

/* Gets at most `most` bytes from an https URL.  Returns a new text with its length, to be wiped and
 * freed, or NULL with the reason. */
char *ss_fetch_url(const char *url, size_t most, size_t *len, char why[SS_FETCH_WHY_MAX]);

/* The same from a file. */
char *ss_fetch_file(const char *path, size_t most, size_t *len, char why[SS_FETCH_WHY_MAX]);

#endif
