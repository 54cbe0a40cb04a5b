/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask.h - the mask of a websocket frame (RFC 6455, 5.3).
 */
#ifndef WS_WRAP_MASK_H
#define WS_WRAP_MASK_H

#include <stddef.h>
#include <stdint.h>

enum { WS_KEY_LEN = 4 };

/* Puts the mask on n bytes, or takes it off; to and from are the same or do not overlap. */
void ws_mask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t key[WS_KEY_LEN]);

/* Turns the key to where it stands behind n bytes. */
void ws_mask_turn(uint8_t key[WS_KEY_LEN], uint64_t n);

#endif
