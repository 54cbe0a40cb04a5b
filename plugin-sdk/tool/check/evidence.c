/* SPDX-License-Identifier: Apache-2.0 */
#include "check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void evidence_add(struct evidence *e, const char *format, ...)
{
    static const char cut[] = "...";
    size_t room = sizeof e->text - e->len, join = e->len > 0 ? 2 : 0;
    va_list args;
    if (room <= sizeof cut + join)
        return;
    (void)memcpy(e->text + e->len, "; ", join);
    va_start(args, format);
    int n = vsnprintf(e->text + e->len + join, room - join, format, args);
    va_end(args);
    size_t end = e->len + join + (n > 0 ? (size_t)n : 0);
    if (end >= sizeof e->text) {
        end = sizeof e->text - 1;
        (void)memcpy(e->text + end - (sizeof cut - 1), cut, sizeof cut);
    }
    for (size_t i = e->len; i < end; i++) {
        unsigned char c = (unsigned char)e->text[i];
        if (c < ' ' || c == 0x7f)
            e->text[i] = '?';
    }
    e->len = end;
}

const struct subject *lab_subject(const struct lab *lab, ssp_role role)
{
    return role == SSP_SERVER ? &lab->server : &lab->client;
}
