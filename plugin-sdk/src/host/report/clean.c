/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/clean.h"

#include "base/log.h"

/* Bytes of the character at text that is not to be printed; 0: it is. */
static unsigned unprintable(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
        return 2;
    return c[0] < ' ' || c[0] == 0x7f ? 1 : ssp__log_reorders(text);
}

void ssp__clean(char *text)
{
    while (*text != '\0') {
        unsigned n = unprintable(text);
        if (n == 0)
            text++;
        for (; n > 0; n--)
            *text++ = '?';
    }
}
