/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/base64.h>

#include <string.h>

static const char digits[2][65] = {
    [SSP_BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [SSP_BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

size_t ssp_base64_write(ssp_alphabet alphabet, const void *bytes, size_t n, char *text)
{
    const uint8_t *in = bytes;
    size_t len = 0;
    unsigned group = 0, bits = 0;
    for (size_t i = 0; i < n; i++) {
        group = (group << 8 | in[i]) & 0xffff;
        for (bits += 8; bits >= 6; bits -= 6)
            text[len++] = digits[alphabet][group >> (bits - 6) & 63];
    }
    if (bits > 0)
        text[len++] = digits[alphabet][group << (6 - bits) & 63];
    while (alphabet == SSP_BASE64 && len % 4 != 0)
        text[len++] = '=';
    text[len] = '\0';
    return len;
}

/* -1: none. */
static int value_of(char c)
{
    int url = c == '+' ? '-' : c == '/' ? '_' : c;
    const char *at = c != '\0' ? strchr(digits[SSP_BASE64_URL], url) : NULL;
    return at != NULL ? (int)(at - digits[SSP_BASE64_URL]) : -1;
}

/* (size_t)-1: not padded as it has to be. */
static size_t without_padding(const char *text, size_t n)
{
    size_t padding = 0;
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    return padding > 0 && n % 4 != 0 ? (size_t)-1 : n - padding;
}

ptrdiff_t ssp_base64_read(const char *text, size_t n, uint8_t *bytes, size_t cap)
{
    size_t len = 0;
    unsigned group = 0, bits = 0;
    n = without_padding(text, n);
    if (n == (size_t)-1 || n % 4 == 1 || n / 4 * 3 + n % 4 * 3 / 4 > cap)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int value = value_of(text[i]);
        if (value == -1)
            return -1;
        group = (group << 6 | (unsigned)value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[len++] = (uint8_t)(group >> bits);
        }
    }
    return (ptrdiff_t)len;
}
