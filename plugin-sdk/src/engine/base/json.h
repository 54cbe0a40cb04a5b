/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - writes one JSON document to a stream, a member at a time.
 *
 * Text is escaped, bytes that are no UTF-8 become U+FFFD.  Nesting is the caller's: each open has
 * its close.  key is NULL inside an array and at the top.
 */
#ifndef SSP_BASE_JSON_H
#define SSP_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ssp__json {
    FILE *out;
    unsigned depth;
    bool pretty; /* a member per line */
    bool any;    /* something stands before the next member of this level */
};

void ssp__json_object(struct ssp__json *json, const char *key);
void ssp__json_array(struct ssp__json *json, const char *key);
void ssp__json_close(struct ssp__json *json,
                     char bracket); /* '}' or ']'; a newline behind the last */

void ssp__json_text(struct ssp__json *json, const char *key, const char *text); /* NULL: null */
void ssp__json_number(struct ssp__json *json, const char *key, int64_t number);
void ssp__json_real(struct ssp__json *json, const char *key, double number); /* three decimals */
void ssp__json_bool(struct ssp__json *json, const char *key, bool value);

#endif
