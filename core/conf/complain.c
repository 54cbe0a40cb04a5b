/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/complain.h"

#include "base/log.h"
#include "base/printed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A path, a key and a sentence. */
enum { LINE_SIZE = 8192 };

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): of the thread that reads */
static _Thread_local struct {
    ss_complaint_fn *fn;
    void *arg;
} taker;
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

void ss_complaints_take(ss_complaint_fn *fn, void *arg)
{
    taker.fn = fn;
    taker.arg = arg;
}

/* Appends to a line of LINE_SIZE; what does not fit is cut. */
static void append(char *line, const char *text, const char *separator)
{
    size_t len = strlen(line);
    if (text != NULL)
        (void)snprintf(line + len, LINE_SIZE - len, "%s%s", text, separator);
}

void ss_complain(const struct ss_origin *origin, const char *format, ...)
{
    char message[LINE_SIZE / 2], name[SS_QUOTE_MAX], line[LINE_SIZE] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);

    append(line, taker.fn == NULL ? ss_programs[origin->program].name : NULL, ": ");
    append(line, origin->path, ": ");
    if (origin->name != NULL) {
        (void)snprintf(name, sizeof name, "%s", *origin->name != '\0' ? origin->name : "\"\"");
        append(line, name, ": ");
    }
    append(line, message, "");
    for (char *p = line; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == '\x7f')
            *p = '?';
    }
    if (taker.fn != NULL)
        taker.fn(taker.arg, line);
    else if (ssp__log_redirected())
        ssp_error("%s", line);
    else
        (void)fprintf(stderr, "%s\n", line);
}

int ss_answered(enum ss_program program)
{
    if (ssp__printed())
        return SS_EXIT_OK;
    ss_complain(&(struct ss_origin){.program = program}, "write the answer: %s", strerror(errno));
    return SS_EXIT_FATAL;
}

const char *ss_unreadable(char out[SS_UNREADABLE_MAX], int error)
{
    if (error == EACCES)
        (void)snprintf(out, SS_UNREADABLE_MAX,
                       "%s for user %u (chgrp to a group of that user, and chmod 640)",
                       strerror(error), (unsigned)geteuid());
    else if (error == ESPIPE)
        (void)snprintf(out, SS_UNREADABLE_MAX, "a pipe may block the program (give a file)");
    else
        (void)snprintf(out, SS_UNREADABLE_MAX, "%s", strerror(error));
    return out;
}

const char *ss_quote(char out[SS_QUOTE_MAX], const char *text)
{
    enum { SHOWN = 60 };
    const char *rest = strlen(text) > SHOWN ? "..." : "";
    const char *quote = *text != '\0' && strspn(text, "0123456789.+-e") == strlen(text) ? "" : "\"";
    (void)snprintf(out, SS_QUOTE_MAX, "%s%.*s%s%s", quote, SHOWN, text, rest, quote);
    return out;
}
