/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - the key of the websocket handshake, the proof of it, and the size of early data.
 */
#ifndef WS_WRAP_KEY_H
#define WS_WRAP_KEY_H

#include <ssplugin/base64.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_NONCE_LEN = 16,
    WS_KEY_TEXT = 24,    /* base64 of the nonce, padded */
    WS_ACCEPT_TEXT = 28, /* base64 of a SHA-1, padded */
    WS_EARLY_MAX = 2048, /* bytes of early data */
    WS_EARLY_TEXT = SSP_BASE64_TEXT(WS_EARLY_MAX)
};

void ws_key_write(const uint8_t nonce[WS_NONCE_LEN], char key[WS_KEY_TEXT + 1]);

/* The proof that belongs to a key (RFC 6455, 4.2.2); key needs no NUL. */
void ws_key_prove(const char *key, char accept[WS_ACCEPT_TEXT + 1]);

/* True for 16 bytes in base64. */
bool ws_key_valid(const char *text, size_t n);

#endif
