/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - base64 of the websocket handshake: its key, the proof of it, and early data.
 */
#ifndef WS_WRAP_KEY_H
#define WS_WRAP_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_NONCE_LEN = 16,
    WS_KEY_TEXT = 24,    /* base64 of the nonce, padded */
    WS_ACCEPT_TEXT = 28, /* base64 of a SHA-1, padded */
    WS_EARLY_MAX = 2048, /* bytes of early data */
    WS_EARLY_TEXT = (WS_EARLY_MAX * 4 + 2) / 3
};

void ws_key_write(const uint8_t nonce[WS_NONCE_LEN], char key[WS_KEY_TEXT + 1]);

/* The proof that belongs to a key (RFC 6455, 4.2.2); key needs no NUL. */
void ws_key_prove(const char *key, char accept[WS_ACCEPT_TEXT + 1]);

/* True for 16 bytes in base64. */
bool ws_key_valid(const char *text, size_t n);

/* base64url without padding; at most WS_EARLY_MAX bytes.  Returns the length of the text. */
size_t ws_early_write(const uint8_t *bytes, size_t n, char text[WS_EARLY_TEXT + 1]);

/* Either alphabet, with padding or without.  Returns the number of bytes; 0 for what is no base64,
 * or too long: then it is no early data. */
size_t ws_early_read(const char *text, size_t n, uint8_t bytes[WS_EARLY_MAX]);

#endif
