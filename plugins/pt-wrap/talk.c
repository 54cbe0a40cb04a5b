/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pt_talk_begin(struct pt_talk *talk, ssp_role role, const char *transport, bool proxy)
{
    *talk = (struct pt_talk){.role = role, .transport = transport, .proxy = proxy};
}

void pt_talk_end(struct pt_talk *talk)
{
    pt_args_release(&talk->args);
    if (talk->line != NULL)
        explicit_bzero(talk->line, talk->len);
    free(talk->line);
    talk->line = NULL;
}

/* ---- verdicts ---- */

__attribute__((format(printf, 3, 4))) static void refuse(struct pt_talk *talk, int status,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(talk->why, sizeof talk->why, format, args);
    va_end(args);
    talk->status = status;
    talk->stage = PT_REFUSED;
}

static void garbled(struct pt_talk *talk, const char *keyword, const char *what)
{
    refuse(talk, SSP_EXIT_CONFIG, "the transport program says %s, %s", keyword, what);
}

void pt_talk_give_up(struct pt_talk *talk, int status, const char *how)
{
    refuse(talk, status, "the transport program %s and has not offered %s%s", how, talk->transport,
           talk->stage == PT_SILENT ? ": is it a managed pluggable transport?" : "");
}

/* Quotes the transport.  A port in use is a temporary error. */
static void error(struct pt_talk *talk, const char *keyword, char *rest)
{
    bool taken = strcasestr(rest, "address already in use") != NULL;
    refuse(talk, taken ? SSP_EXIT_UNAVAIL : SSP_EXIT_CONFIG,
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

typedef void line_fn(struct pt_talk *talk, const char *keyword, char *rest);

static void version(struct pt_talk *talk, const char *keyword, char *rest)
{
    if (!says(word(&rest), "1"))
        garbled(talk, keyword, "which is not supported: expected 1");
    else
        talk->stage = PT_SPEAKING;
}

static void proxy(struct pt_talk *talk, const char *keyword, char *rest)
{
    if (!says(rest, "DONE"))
        garbled(talk, keyword, "but not that it is DONE");
    else
        talk->proxied = true;
}

static void method_error(struct pt_talk *talk, const char *keyword, char *rest)
{
    if (!says(word(&rest), talk->transport))
        return; /* of another transport */
    error(talk, keyword, rest);
}

static void client_method(struct pt_talk *talk, const char *keyword, char *rest)
{
    if (!says(word(&rest), talk->transport))
        return;
    const char *kind = word(&rest);
    talk->socks4 = says(kind, "socks4");
    if (!talk->socks4 && !says(kind, "socks5"))
        garbled(talk, keyword, "but neither socks4 nor socks5");
    else if (pt_place_parse(&talk->place, word(&rest)) == -1)
        garbled(talk, keyword, "but no address where it listens");
    else
        talk->offered = true;
}

static void server_method(struct pt_talk *talk, const char *keyword, char *rest)
{
    static const char args[] = "ARGS:";
    if (!says(word(&rest), talk->transport))
        return;
    if (pt_place_parse(&talk->place, word(&rest)) == -1) {
        garbled(talk, keyword, "but no address where it listens");
        return;
    }
    while (*rest != '\0') {
        const char *option = word(&rest);
        bool theirs = strncmp(option, args, sizeof args - 1) == 0;
        if (!theirs || pt_args_read(&talk->args, option + sizeof args - 1) == 0)
            continue;
        garbled(talk, keyword, "and its ARGS are malformed");
        return;
    }
    talk->offered = true;
}

static void methods(struct pt_talk *talk, const char *keyword, char *rest)
{
    if (!says(rest, "DONE"))
        garbled(talk, keyword, "but not that they are DONE");
    else if (!talk->offered)
        refuse(talk, SSP_EXIT_CONFIG,
               "the transport program has no transport %s: check the options exec and transport",
               talk->transport);
    else if (talk->proxy && !talk->proxied)
        refuse(talk, SSP_EXIT_CONFIG,
               "the transport program does not confirm the proxy: it would bypass the proxy");
    else
        talk->stage = PT_READY;
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

static void heed(struct pt_talk *talk, char *line)
{
    char *rest = line;
    const char *keyword = word(&rest);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (!says(keyword, row->keyword))
            continue;
        if (row->role != SSP_ROLE_UNKNOWN && row->role != talk->role)
            garbled(talk, keyword, "which is the other role's");
        else if ((row->stages & 1u << talk->stage) == 0)
            garbled(talk, keyword, "which is out of order: is it VERSION 1 of the protocol?");
        else
            row->heed(talk, keyword, rest);
        return;
    }
}

/* ---- pieces ---- */

static void keep(struct pt_talk *talk, const char *piece, size_t n)
{
    char *grown = NULL;
    if (talk->len + n < PT_TALK_LINE)
        grown = realloc(talk->line, talk->len + n + 1);
    if (grown == NULL) {
        talk->lost = true;
        return;
    }
    talk->line = grown;
    memcpy(talk->line + talk->len, piece, n + 1);
    talk->len += n;
}

/* After a piece of full length another one follows; a line of exactly that length, which no
 * transport writes, would swallow the next. */
enum pt_stage pt_talk_hear(struct pt_talk *talk, const char *piece)
{
    size_t n = strlen(piece);
    if (talk->stage == PT_READY || talk->stage == PT_REFUSED)
        return talk->stage;
    keep(talk, piece, n);
    if (n >= PT_TALK_PIECE)
        return talk->stage;
    if (!talk->lost)
        heed(talk, talk->line);
    if (talk->line != NULL)
        explicit_bzero(talk->line, talk->len);
    talk->len = 0;
    talk->lost = false;
    return talk->stage;
}
