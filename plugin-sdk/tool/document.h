/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.h - reads a JSON document (RFC 8259) in place: values are pieces of its text.
 */
#ifndef SSP_TOOL_DOCUMENT_H
#define SSP_TOOL_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

/* One value; NULL: there is none.  Only document_parse() validates: all others expect what it has
 * accepted, and are safe with NULL. */
typedef const char *document_value;

/* The value of a whole text, or NULL when that is not one JSON document. */
document_value document_parse(const char *text);

/* A member of an object; NULL when value is no object or has none of this name. */
document_value document_member(document_value value, const char *name);

/* The first element of an array, and the one behind an element; NULL at the end. */
document_value document_first(document_value array);
document_value document_next(document_value element);

/* Copies a string, or the text of a number, true or false; "" for anything else.  A long text is
 * cut; escapes beyond ASCII become '?'.  Returns out. */
const char *document_text(document_value value, char *out, size_t cap);

bool document_is_true(document_value value);

#endif
