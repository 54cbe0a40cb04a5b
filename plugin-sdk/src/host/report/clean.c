/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/clean.h"

#include <stdbool.h>

void ssp__clean(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        bool wide = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
        if (*c < ' ' || *c == 0x7f || wide)
            *c = '?';
        if (wide)
            *++c = '?';
    }
}
