/* SPDX-License-Identifier: Apache-2.0 */
/*
 * percent.h - the percent-encoding of URLs (RFC 3986, section 2.1).
 */
#ifndef SS_FORMATS_PERCENT_H
#define SS_FORMATS_PERCENT_H

#include "formats/draft.h"

#include <stddef.h>

/* Decodes the n bytes of text.  Returns a new text, to be freed, or NULL: an escape is cut or is
 * none, a NUL was decoded, or memory is out. */
char *ss_percent_decode(const char *text, size_t n);

/* Decodes the first byte of the n of text.  Returns how many were used: 1, 3, or 0 when an escape
 * is cut or is none. */
size_t ss_percent_next(const char *text, size_t n, unsigned char *byte);

/* Writes text with every byte but ASCII letters and digits encoded. */
void ss_percent_encode(struct ss_draft *out, const char *text);
void ss_percent_encode_byte(struct ss_draft *out, unsigned char byte);

#endif
