/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h - the head of an HTTP/1.1 message that has arrived whole, read without I/O.
 */
#ifndef WS_WRAP_HEAD_H
#define WS_WRAP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest head, its empty line included: that of the servers in the field. */
enum { WS_HTTP_MAX = 8192 };

/* A run of bytes inside a head. */
struct ws_span {
    const char *text; /* NULL: there is none */
    size_t len;
};

/* The first n bytes of a message. */
struct ws_span ws_span_of(const uint8_t *bytes, size_t n);

/* Without case, and byte by byte. */
bool ws_span_is(struct ws_span span, const char *text);
bool ws_span_equals(struct ws_span span, const char *text);

/* The first line, without its end. */
struct ws_span ws_head_line(struct ws_span head);

/* Cuts the words of a line at its blanks: returns the first one, *line is left with the rest. */
struct ws_span ws_head_word(struct ws_span *line);

/* The trimmed value of the first field of this name. */
struct ws_span ws_head_field(struct ws_span head, const char *name);

/* Calls visit with each item of the lists of all fields of this name, in their order. */
void ws_head_each(struct ws_span head, const char *name,
                  void (*visit)(void *arg, struct ws_span item), void *arg);

/* True when one of the fields of this name has the token in its list. */
bool ws_head_lists(struct ws_span head, const char *name, const char *token);

#endif
