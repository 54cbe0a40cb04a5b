/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/percent.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The value of a hexadecimal digit, or -1. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | ' ');
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t ss_percent_next(const char *text, size_t n, unsigned char *byte)
{
    if (n == 0)
        return 0;
    *byte = (unsigned char)text[0];
    if (text[0] != '%')
        return 1;
    int high = n > 2 ? digit(text[1]) : -1, low = n > 2 ? digit(text[2]) : -1;
    *byte = (unsigned char)(high * 16 + low);
    return high != -1 && low != -1 ? 3 : 0;
}

char *ss_percent_decode(const char *text, size_t n)
{
    char *out = malloc(n + 1);
    size_t len = 0, used = 0;
    bool valid = out != NULL;
    for (size_t i = 0; valid && i < n; i += used) {
        unsigned char byte = 0;
        used = ss_percent_next(text + i, n - i, &byte);
        out[len++] = (char)byte;
        valid = used > 0 && byte != '\0';
    }
    if (valid) {
        out[len] = '\0';
        return out;
    }
    if (out != NULL)
        explicit_bzero(out, len);
    free(out);
    return NULL;
}

void ss_percent_encode_byte(struct ss_draft *out, unsigned char byte)
{
    bool letter = (byte | ' ') >= 'a' && (byte | ' ') <= 'z';
    bool number = byte >= '0' && byte <= '9';
    ss_draft_print(out, letter || number ? "%c" : "%%%02X", byte);
}

void ss_percent_encode(struct ss_draft *out, const char *text)
{
    for (; *text != '\0'; text++)
        ss_percent_encode_byte(out, (unsigned char)*text);
}
