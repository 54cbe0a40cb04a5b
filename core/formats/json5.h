/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json5.h - JSON5 as JSON: comments and trailing commas become blanks, names and texts get the
 * quotes of JSON.
 */
#ifndef SS_FORMATS_JSON5_H
#define SS_FORMATS_JSON5_H

#include <stddef.h>

/* A text of JSON, and the first place where the other one was none. */
struct ss_json5 {
    char *text; /* to be wiped and freed; not terminated */
    size_t len;
    const char *found; /* NULL: it was JSON; else static, such as "a comment" */
    size_t at;         /* of the first one, in the other text */
};

/* Rewrites the len bytes of text; lines stay lines.  It is not checked: a mistake of any kind is
 * left to the parser of JSON.  Returns 0, or -1 when memory is out. */
int ss_json5_rewrite(struct ss_json5 *out, const char *text, size_t len);

#endif
