/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/discreet.h"

#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 2048 };

static const char mark[] = "ARGS:";

void pt_discreet(char *out, size_t cap, const char *text)
{
    static const char instead[] = "ARGS:(not logged)";
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

/* The rest of the same line is just as secret, and has no mark. */
static void sink(void *arg, ssp_log_level level, const char *text)
{
    struct pt_discreet_log *log = arg;
    char clean[TEXT_MAX];
    bool theirs = strncmp(text, log->lines, strlen(log->lines)) == 0;
    if (theirs && log->secret) {
        (void)snprintf(clean, sizeof clean, "%.*s: (more of a long line, not logged)",
                       (int)strcspn(text, ":"), text);
    } else {
        pt_discreet(clean, sizeof clean, text);
        log->secret = log->secret || (theirs && strstr(text, mark) != NULL);
    }
    ssp_log_redirect(NULL, NULL);
    ssp_log(level, "%s", clean);
    ssp_log_redirect(sink, arg);
}

void pt_discreet_begin(struct pt_discreet_log *log, const char *program)
{
    *log = (struct pt_discreet_log){.secret = false};
    (void)snprintf(log->lines, sizeof log->lines, "plugin %.60s[", program);
    ssp_log_redirect(sink, log);
}

void pt_discreet_heard(struct pt_discreet_log *log, bool goes_on)
{
    log->secret = goes_on;
}

void pt_discreet_end(void)
{
    ssp_log_redirect(NULL, NULL);
}
