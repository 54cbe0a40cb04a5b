/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h - the head of an HTTP/1 message (RFC 9112): where it ends, its first line, its fields.
 *
 * Requests are read by the letter: what two readers may understand in two ways is refused.
 * Responses are read as they come from old servers, and written by the letter.
 */
#ifndef SS_HTTP_HEAD_H
#define SS_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a head; browsers send cookies of up to 64 KiB. */
enum { SS_HTTP_HEAD_MAX = 80 * 1024 };

/* Borrowed bytes. */
struct ss_http_text {
    const char *at;
    size_t len;
};

enum ss_http_reading {
    SS_HTTP_STRICT, /* lines end with CRLF, no field is folded, no space stands before a colon */
    SS_HTTP_LENIENT /* a bare LF ends a line, a folded field is one field, that space is dropped */
};

struct ss_http_field {
    struct ss_http_text name, value; /* a value that was folded has its line breaks in it */
};

/* The fields that are still to come. */
struct ss_http_fields {
    const char *at, *end;
    enum ss_http_reading reading;
};

/*
 * Looks for the end of the head that the n bytes at p begin with.  *scanned bytes have been looked
 * at before: 0 for a new head.
 *
 * Returns the length of the head with its empty line; 0 when it is not there yet, SSP_NPOS when it
 * is too long or has a line end that is none.
 */
size_t ss_http_head_end(const uint8_t *p, size_t n, size_t *scanned, enum ss_http_reading reading);

/* Splits a complete head: its first line, and its fields. */
struct ss_http_text ss_http_head_split(const uint8_t *p, size_t len, enum ss_http_reading reading,
                                       struct ss_http_fields *fields);

/* The next field: 1, 0 when there is none, -1 when the line is no field. */
int ss_http_field_next(struct ss_http_fields *fields, struct ss_http_field *field);

/* ---- text ---- */

/* Cuts the part before the first c from *rest, which loses that c too; all of it without one. */
struct ss_http_text ss_http_cut(struct ss_http_text *rest, char c);

/* Without the blanks around it. */
struct ss_http_text ss_http_trim(struct ss_http_text text);

/* Compares with lower-case text, in any case. */
bool ss_http_is(struct ss_http_text text, const char *lower);
bool ss_http_same(struct ss_http_text a, struct ss_http_text b); /* in any case */

/* True when an element of a list, such as "a, b", is that word, in any case. */
bool ss_http_lists(struct ss_http_text list, struct ss_http_text word);

/* True for a token (RFC 9110, section 5.6.2). */
bool ss_http_is_token(struct ss_http_text text);

/* A decimal number of nothing but digits that fits into 63 bits.  Returns 0, or -1. */
int ss_http_number(struct ss_http_text text, uint64_t *number);

/* Text for comparison. */
#define SS_HTTP_TEXT(literal) ((struct ss_http_text){(literal), sizeof(literal) - 1})

#endif
