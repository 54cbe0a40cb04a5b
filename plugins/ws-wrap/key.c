/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/key.h"

#include <ssplugin/base64.h>
#include <ssplugin/digest.h>

#include <string.h>

#define RFC_6455_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

void ws_key_write(const uint8_t nonce[WS_NONCE_LEN], char key[WS_KEY_TEXT + 1])
{
    (void)ssp_base64_write(SSP_BASE64, nonce, WS_NONCE_LEN, key);
}

void ws_key_prove(const char *key, char accept[WS_ACCEPT_TEXT + 1])
{
    unsigned char text[WS_KEY_TEXT + sizeof RFC_6455_GUID - 1], digest[SSP_SHA1_LEN] = {0};
    memcpy(text, key, WS_KEY_TEXT);
    memcpy(text + WS_KEY_TEXT, RFC_6455_GUID, sizeof RFC_6455_GUID - 1);
    (void)ssp_sha1(text, sizeof text, digest); /* without memory the proof is wrong */
    (void)ssp_base64_write(SSP_BASE64, digest, sizeof digest, accept);
}

bool ws_key_valid(const char *text, size_t n)
{
    uint8_t bytes[WS_NONCE_LEN];
    return n == WS_KEY_TEXT && ssp_base64_read(text, n, bytes, sizeof bytes) == WS_NONCE_LEN;
}
