/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.h - explains an option string byte by byte, and finds common mistakes in it.
 *
 * Bytes are counted from 1, as in the messages of plugins.
 */
#ifndef SSP_TOOL_EXPLAIN_H
#define SSP_TOOL_EXPLAIN_H

#include <ssplugin/options.h>

#include <stdbool.h>

/* One item, in turn.  Strings live as long as the reading. */
struct explain_item {
    ssp_item item;
    size_t from, to; /* its first and last byte in the string */
};

/* Reads a string item by item.  Zero is valid and empty. */
struct explain_reading {
    const char *text; /* borrowed */
    const char *cursor;
    char *buf; /* owned */
    size_t cap;
    const char *error; /* what is wrong, static; NULL: nothing so far */
    size_t error_at;
};

/* Returns 0, or -1 when memory is out; explain_end() is due either way. */
int explain_begin(struct explain_reading *r, const char *text);
bool explain_next(struct explain_reading *r, struct explain_item *item);
void explain_end(struct explain_reading *r);

enum { EXPLAIN_HINTS_MAX = 16, EXPLAIN_HINT_MAX = 256 };

/* A common mistake in the string, which may parse all the same. */
struct explain_hint {
    const char *trap; /* short name, static */
    size_t byte;
    char text[EXPLAIN_HINT_MAX]; /* a sentence without a final dot, printable */
};

/* Returns the number of hints, at most EXPLAIN_HINTS_MAX. */
size_t explain_hints(const char *text, struct explain_hint hints[EXPLAIN_HINTS_MAX]);

#endif
