/* SPDX-License-Identifier: Apache-2.0 */
/* amount.h - a number of bytes as users write it: 10737418240, or 10G. */
#ifndef SS_FORMATS_AMOUNT_H
#define SS_FORMATS_AMOUNT_H

#include <stdint.h>

#define SS_AMOUNT_EXPECTED "a number of bytes, or a text as in \"500K\", \"20M\", \"10G\""

/* K, M, G and T are powers of 1024.  Returns 0, or -1 when text is none. */
int ss_amount_read(uint64_t *bytes, const char *text);

#endif
