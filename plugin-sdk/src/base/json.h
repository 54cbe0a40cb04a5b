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

struct ssp_json {
    FILE *out;
    unsigned depth;
    bool pretty; /* a member per line */
    bool any;    /* something stands before the next member of this level */
};

void ssp_json_object(struct ssp_json *json, const char *key);
void ssp_json_array(struct ssp_json *json, const char *key);
void ssp_json_close(struct ssp_json *json,
                    char bracket); /* '}' or ']'; a newline behind the last */

void ssp_json_text(struct ssp_json *json, const char *key, const char *text); /* NULL: null */
void ssp_json_number(struct ssp_json *json, const char *key, int64_t number);
void ssp_json_real(struct ssp_json *json, const char *key, double number); /* three decimals */
void ssp_json_bool(struct ssp_json *json, const char *key, bool value);

#endif
