/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/line.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { WEIGHED = 480 }; /* bytes of a line that are examined */

#define LENGTH(list) (sizeof(list) / sizeof *(list))

/* ---- colours ---- */

/* The length of "ESC [ parameters m" or "... K" at text; 0: there is none. */
static size_t colour(const char *text)
{
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    size_t n = 2 + strspn(text + 2, "0123456789;:");
    return text[n] == 'm' || text[n] == 'K' ? n + 1 : 0;
}

void ssp__line_remove_colours(char *line)
{
    char *to = line;
    while (*line != '\0') {
        size_t n = colour(line);
        if (n == 0)
            *to++ = *line++;
        line += n;
    }
    *to = '\0';
}

/* ---- words ---- */

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Where the whole word is, in the case given; NULL: nowhere. */
static const char *find_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += n) {
        if ((at == text || !in_word(at[-1])) && !in_word(at[n]))
            return at;
    }
    return NULL;
}

/* The same in any case. */
static const char *find_phrase(const char *text, const char *phrase)
{
    size_t n = strlen(phrase);
    for (const char *at = text; (at = strcasestr(at, phrase)) != NULL; at += n) {
        if ((at == text || !in_word(at[-1])) && !in_word(at[n]))
            return at;
    }
    return NULL;
}

/* ---- the level ---- */

enum named { NONE, HARMLESS, WARNING, BAD };

/* How logs name a level: a word in capitals, or one in brackets or behind "level=". */
static enum named named_level(const char *line)
{
    static const struct {
        const char *word;
        enum named level;
    } upper[] = {{"ERROR", BAD},     {"FATAL", BAD},       {"CRITICAL", BAD},
                 {"PANIC", BAD},     {"WARN", WARNING},    {"WARNING", WARNING},
                 {"INFO", HARMLESS}, {"NOTICE", HARMLESS}, {"DEBUG", HARMLESS},
                 {"TRACE", HARMLESS}},
      tagged[] = {{"[error]", BAD},        {"[fatal]", BAD},         {"level=error", BAD},
                  {"level=fatal", BAD},    {"[warning]", WARNING},   {"[warn]", WARNING},
                  {"level=warn", WARNING}, {"[info]", HARMLESS},     {"[notice]", HARMLESS},
                  {"[debug]", HARMLESS},   {"level=info", HARMLESS}, {"level=debug", HARMLESS}};
    const char *first = NULL, *at;
    enum named level = NONE;
    for (size_t i = 0; i < LENGTH(upper); i++) {
        if ((at = find_word(line, upper[i].word)) != NULL && (first == NULL || at < first)) {
            first = at;
            level = upper[i].level;
        }
    }
    for (size_t i = 0; i < LENGTH(tagged); i++) {
        if ((at = strcasestr(line, tagged[i].word)) != NULL && (first == NULL || at < first)) {
            first = at;
            level = tagged[i].level;
        }
    }
    return level;
}

/* "no error" and "failed 0" are none. */
static bool is_denied_or_counted(const char *line, const char *at, size_t n)
{
    static const char *const denials[] = {"no ", "without ", "0 "};
    const char *behind = at + n + strspn(at + n, " =:");
    for (size_t i = 0; i < LENGTH(denials); i++) {
        size_t len = strlen(denials[i]);
        if ((size_t)(at - line) >= len && strncasecmp(at - len, denials[i], len) == 0)
            return true;
    }
    return isdigit((unsigned char)*behind) && strspn(behind, "0123456789") <= 3 &&
           strchr(",;", behind[strspn(behind, "0123456789")]) != NULL;
}

static bool uses_words_of_errors(const char *line)
{
    static const char *const phrases[] = {
        "error",        "fatal",         "panic",           "panicked",       "failed",
        "failure",      "refused",       "denied",          "cannot",         "can't",
        "could not",    "couldn't",      "unable",          "unreachable",    "timed out",
        "not allowed",  "not permitted", "no such",         "already in use", "unrecognized option",
        "unknown flag", "broken pipe",   "incorrect usage", "invalid",        "is required",
        "is missing",   "is not one of", "not found"};
    for (size_t i = 0; i < LENGTH(phrases); i++) {
        const char *at = find_phrase(line, phrases[i]);
        if (at != NULL && !is_denied_or_counted(line, at, strlen(phrases[i])))
            return true;
    }
    return false;
}

ssp_log_level ssp__line_level(const char *line)
{
    enum named level = named_level(line);
    bool bad = level == BAD || (level != HARMLESS && uses_words_of_errors(line));
    return bad ? SSP_LOG_ERROR : SSP_LOG_INFO;
}

ssp_log_level ssp__line_level_at_end(const char *line)
{
    return named_level(line) == WARNING ? SSP_LOG_INFO : ssp__line_level(line);
}

/* ---- last words ---- */

/* In small letters, so that phrases are found fast: a flood of lines passes here. */
static void lower(char small[WEIGHED + 1], const char *line)
{
    size_t n = 0;
    for (; n < WEIGHED && line[n] != '\0'; n++)
        small[n] = (char)(line[n] >= 'A' && line[n] <= 'Z' ? line[n] + ('a' - 'A') : line[n]);
    small[n] = '\0';
}

static bool has_any(const char *line, const char *const *phrase, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strstr(line, phrase[i]) != NULL)
            return true;
    }
    return false;
}

enum ssp__line_weight ssp__line_weight(const char *line)
{
    /* Go, Rust, urfave/cli and flag of Go, C++, Java, sanitizers, glibc. */
    static const char *const crashes[] = {
        "panic:",           "panicked at",
        "fatal error:",     "incorrect usage",
        "terminate called", "flag provided but not defined",
        "==error:",         "exception in thread",
        "assertion `",      "stack smashing detected",
    };
    static const char *const errors[] = {
        "error:",         "[error]",         "fatal:",
        "[fatal]",        "level=error",     "level=fatal",
        "unknown option", "invalid option",  "unrecognized option",
        "unknown flag",   "unknown command",
    };
    char small[WEIGHED + 1];
    lower(small, line);
    if (has_any(small, crashes, LENGTH(crashes)))
        return SSP_LINE_CRASH;
    return has_any(small, errors, LENGTH(errors)) ? SSP_LINE_ERROR : SSP_LINE_PLAIN;
}
