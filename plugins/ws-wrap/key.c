/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/key.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#define RFC_6455_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void ws_key_write(const uint8_t nonce[WS_NONCE_LEN], char key[WS_KEY_TEXT + 1])
{
    (void)EVP_EncodeBlock((unsigned char *)key, nonce, WS_NONCE_LEN);
}

void ws_key_prove(const char *key, char accept[WS_ACCEPT_TEXT + 1])
{
    unsigned char text[WS_KEY_TEXT + sizeof RFC_6455_GUID - 1], digest[SHA_DIGEST_LENGTH] = {0};
    memcpy(text, key, WS_KEY_TEXT);
    memcpy(text + WS_KEY_TEXT, RFC_6455_GUID, sizeof RFC_6455_GUID - 1);
    (void)SHA1(text, sizeof text, digest); /* without memory the proof is wrong */
    (void)EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
}

static int digit(char c)
{
    int url = c == '+' ? '-' : c == '/' ? '_' : c;
    const char *at = c != '\0' ? strchr(url_digits, url) : NULL;
    return at != NULL ? (int)(at - url_digits) : -1;
}

bool ws_key_valid(const char *text, size_t n)
{
    uint8_t bytes[WS_EARLY_MAX];
    return n == WS_KEY_TEXT && ws_early_read(text, n, bytes) == WS_NONCE_LEN;
}

size_t ws_early_write(const uint8_t *bytes, size_t n, char text[WS_EARLY_TEXT + 1])
{
    size_t len = 0;
    unsigned group = 0, bits = 0;
    for (size_t i = 0; i < n; i++) {
        group = (group << 8 | bytes[i]) & 0xffff;
        for (bits += 8; bits >= 6; bits -= 6)
            text[len++] = url_digits[group >> (bits - 6) & 63];
    }
    if (bits > 0)
        text[len++] = url_digits[group << (6 - bits) & 63];
    text[len] = '\0';
    return len;
}

static size_t without_padding(const char *text, size_t n)
{
    size_t padding = 0;
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    return padding > 0 && n % 4 != 0 ? 0 : n - padding;
}

size_t ws_early_read(const char *text, size_t n, uint8_t bytes[WS_EARLY_MAX])
{
    size_t len = 0;
    unsigned group = 0, bits = 0;
    n = without_padding(text, n);
    if (n > WS_EARLY_TEXT || n % 4 == 1)
        return 0;
    for (size_t i = 0; i < n; i++) {
        int value = digit(text[i]);
        if (value == -1)
            return 0;
        group = (group << 6 | (unsigned)value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[len++] = (uint8_t)(group >> bits);
        }
    }
    return len;
}
