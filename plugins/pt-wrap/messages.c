/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pt_messages_begin(struct pt_messages *messages, ssp_role role, const char *transport,
                       bool proxy)
{
    *messages = (struct pt_messages){.role = role, .transport = transport, .proxy = proxy};
}

void pt_messages_end(struct pt_messages *messages)
{
    pt_args_release(&messages->args);
    if (messages->line != NULL)
        explicit_bzero(messages->line, messages->len);
    free(messages->line);
    messages->line = NULL;
}

/* ---- verdicts ---- */

__attribute__((format(printf, 3, 4))) static void refuse(struct pt_messages *messages, int status,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(messages->why, sizeof messages->why, format, args);
    va_end(args);
    messages->status = status;
    messages->progress = PT_REFUSED;
}

static void garbled(struct pt_messages *messages, const char *keyword, const char *what)
{
    refuse(messages, SSP_EXIT_CONFIG, "the transport program says %s, %s", keyword, what);
}

void pt_messages_give_up(struct pt_messages *messages, int status, const char *how)
{
    refuse(messages, status, "the transport program %s and has not offered %s%s", how,
           messages->transport,
           messages->progress == PT_SILENT ? ": is it a managed pluggable transport?" : "");
}

/* Quotes the transport.  A port in use is a temporary error. */
static void error(struct pt_messages *messages, const char *keyword, char *rest)
{
    bool taken = strcasestr(rest, "address already in use") != NULL;
    refuse(messages, taken ? SSP_EXIT_UNAVAIL : SSP_EXIT_CONFIG,
           "the transport program says %s%s%.300s", keyword, *rest != '\0' ? " " : "", rest);
}

/* ---- words ---- */

/* Splits the next word off; "" at the end. */
static const char *word(char **rest)
{
    char *begin = *rest + strspn(*rest, " ");
    char *end = begin + strcspn(begin, " ");
    *rest = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return begin;
}

static bool says(const char *rest, const char *what)
{
    return strcmp(rest, what) == 0;
}

/* ---- lines, each without its keyword ---- */

typedef void line_fn(struct pt_messages *messages, const char *keyword, char *rest);

static void version(struct pt_messages *messages, const char *keyword, char *rest)
{
    if (!says(word(&rest), "1"))
        garbled(messages, keyword, "which is not supported: expected 1");
    else
        messages->progress = PT_SPEAKING;
}

static void proxy(struct pt_messages *messages, const char *keyword, char *rest)
{
    if (!says(rest, "DONE"))
        garbled(messages, keyword, "but not that it is DONE");
    else
        messages->proxied = true;
}

static void method_error(struct pt_messages *messages, const char *keyword, char *rest)
{
    if (!says(word(&rest), messages->transport))
        return; /* of another transport */
    error(messages, keyword, rest);
}

static void client_method(struct pt_messages *messages, const char *keyword, char *rest)
{
    if (!says(word(&rest), messages->transport))
        return;
    const char *kind = word(&rest);
    messages->socks4 = says(kind, "socks4");
    if (!messages->socks4 && !says(kind, "socks5"))
        garbled(messages, keyword, "but neither socks4 nor socks5");
    else if (pt_place_parse(&messages->place, word(&rest)) == -1)
        garbled(messages, keyword, "but no address where it listens");
    else
        messages->offered = true;
}

static void server_method(struct pt_messages *messages, const char *keyword, char *rest)
{
    static const char args[] = "ARGS:";
    if (!says(word(&rest), messages->transport))
        return;
    if (pt_place_parse(&messages->place, word(&rest)) == -1) {
        garbled(messages, keyword, "but no address where it listens");
        return;
    }
    while (*rest != '\0') {
        const char *option = word(&rest);
        bool theirs = strncmp(option, args, sizeof args - 1) == 0;
        if (!theirs || pt_args_read(&messages->args, option + sizeof args - 1) == 0)
            continue;
        garbled(messages, keyword, "and its ARGS are malformed");
        return;
    }
    messages->offered = true;
}

static void methods(struct pt_messages *messages, const char *keyword, char *rest)
{
    if (!says(rest, "DONE"))
        garbled(messages, keyword, "but not that they are DONE");
    else if (!messages->offered)
        refuse(messages, SSP_EXIT_CONFIG,
               "the transport program has no transport %s: check the options exec and transport",
               messages->transport);
    else if (messages->proxy && !messages->proxied)
        refuse(messages, SSP_EXIT_CONFIG,
               "the transport program does not confirm the proxy: it would bypass the proxy");
    else
        messages->progress = PT_READY;
}

/* ---- the table ---- */

/* Errors may come at any time before the end. */
enum { SILENT = 1u << PT_SILENT, SPEAKING = 1u << PT_SPEAKING, EITHER = SILENT | SPEAKING };

static const struct row {
    const char *keyword;
    ssp_role role;   /* the role that it applies to; SSP_ROLE_UNKNOWN: both */
    unsigned stages; /* the stage in which it is valid */
    line_fn *heed;
} rows[] = {
    {"VERSION", SSP_ROLE_UNKNOWN, SILENT, version},
    {"VERSION-ERROR", SSP_ROLE_UNKNOWN, EITHER, error},
    {"ENV-ERROR", SSP_ROLE_UNKNOWN, EITHER, error},
    {"PROXY", SSP_CLIENT, SPEAKING, proxy},
    {"PROXY-ERROR", SSP_CLIENT, SPEAKING, error},
    {"CMETHOD", SSP_CLIENT, SPEAKING, client_method},
    {"CMETHOD-ERROR", SSP_CLIENT, SPEAKING, method_error},
    {"CMETHODS", SSP_CLIENT, SPEAKING, methods},
    {"SMETHOD", SSP_SERVER, SPEAKING, server_method},
    {"SMETHOD-ERROR", SSP_SERVER, SPEAKING, method_error},
    {"SMETHODS", SSP_SERVER, SPEAKING, methods},
};

static void heed(struct pt_messages *messages, char *line)
{
    char *rest = line;
    const char *keyword = word(&rest);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (!says(keyword, row->keyword))
            continue;
        if (row->role != SSP_ROLE_UNKNOWN && row->role != messages->role)
            garbled(messages, keyword, "which is the other role's");
        else if ((row->stages & 1u << messages->progress) == 0)
            garbled(messages, keyword, "which is out of order: is it VERSION 1 of the protocol?");
        else
            row->heed(messages, keyword, rest);
        return;
    }
}

/* ---- pieces ---- */

static void keep(struct pt_messages *messages, const char *piece, size_t n)
{
    messages->lost = messages->lost || messages->len + n >= PT_MESSAGES_LINE;
    char *grown = messages->lost ? NULL : realloc(messages->line, messages->len + n + 1);
    if (!messages->lost && grown == NULL)
        refuse(messages, SSP_EXIT_OS, "out of memory"); /* a line that is missed is waited for */
    if (grown == NULL)
        return;
    messages->line = grown;
    memcpy(messages->line + messages->len, piece, n + 1);
    messages->len += n;
}

/* After a piece of full length another one follows; a line of exactly that length, which no
 * transport writes, would swallow the next. */
enum pt_progress pt_messages_read(struct pt_messages *messages, const char *piece)
{
    size_t n = strlen(piece);
    if (messages->progress == PT_READY || messages->progress == PT_REFUSED)
        return messages->progress;
    keep(messages, piece, n);
    if (messages->progress == PT_REFUSED || n >= PT_MESSAGES_PIECE)
        return messages->progress;
    if (!messages->lost)
        heed(messages, messages->line);
    if (messages->line != NULL)
        explicit_bzero(messages->line, messages->len);
    messages->len = 0;
    messages->lost = false;
    return messages->progress;
}
