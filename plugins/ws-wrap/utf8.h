/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - text of a websocket message, judged byte by byte (RFC 3629).
 */
#ifndef WS_WRAP_UTF8_H
#define WS_WRAP_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero is the beginning of a text. */
struct ws_utf8 {
    uint8_t missing;   /* bytes of the character that has begun */
    uint8_t low, high; /* what the next one of them may be */
};

/* False at the first byte that no continuation can mend. */
bool ws_utf8_accepts(struct ws_utf8 *text, const uint8_t *bytes, size_t n);

/* True where a text may end. */
bool ws_utf8_whole(const struct ws_utf8 *text);

#endif
