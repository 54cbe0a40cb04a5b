/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/discreet.h"

#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 2048 };

void pt_discreet(char *out, size_t cap, const char *text)
{
    static const char mark[] = "ARGS:", instead[] = "ARGS:(not logged)";
    size_t len = 0;
    while (*text != '\0' && len + sizeof instead < cap) {
        if (strncmp(text, mark, sizeof mark - 1) != 0) {
            out[len++] = *text++;
            continue;
        }
        memcpy(out + len, instead, sizeof instead - 1);
        len += sizeof instead - 1;
        text += strcspn(text, " ");
    }
    out[len] = '\0';
}

static void sink(void *arg, enum ssp_log_level level, const char *text)
{
    char clean[TEXT_MAX];
    pt_discreet(clean, sizeof clean, text);
    ssp_log_redirect(NULL, NULL);
    ssp_log(level, "%s", clean);
    ssp_log_redirect(sink, arg);
}

void pt_discreet_begin(void)
{
    ssp_log_redirect(sink, NULL);
}
