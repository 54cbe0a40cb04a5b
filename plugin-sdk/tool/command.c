/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "base/guess.h"
#include <ssplugin/env.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { WORD_MAX = 64, COLUMN = 24, WIDTH = 80, MESSAGE_MAX = 2048 };

/* In front of an option, when users write it. */
static const char *dashes(const char *name)
{
    return name[1] == '\0' ? "-" : "--";
}

/* Prints words of text in the columns from column on, of which n are used. */
static void print_wrapped(const char *text, int n, int column)
{
    printf("%*s", n < column ? column - n : 0, "");
    for (int at = column; *text != '\0';) {
        int len = (int)strcspn(text, " \n");
        bool fits = at == column || at + 1 + len <= WIDTH;
        if (!fits)
            printf("\n%*s", column, "");
        at = fits ? at : column;
        printf("%s%.*s", at > column ? " " : "", len, text);
        at += len + (at > column);
        text += len;
        text += strspn(text, " \n");
    }
    puts("");
}

void tool_help(const struct tool_usage *u)
{
    printf("usage: ss-plugin %s %s\n\n", u->command, u->arguments);
    print_wrapped(u->about, 0, 0);
    printf("\noptions:\n");
    for (const struct tool_option *o = u->options; o != NULL && o->name != NULL; o++) {
        int n = printf("  %s%s%s%s", dashes(o->name), o->name, o->argument != NULL ? " " : "",
                       o->argument != NULL ? o->argument : "");
        if (n >= COLUMN)
            puts("");
        print_wrapped(o->help, n < COLUMN ? n : 0, COLUMN);
    }
    printf("  --help%*sshow this help\n", COLUMN - (int)strlen("  --help"), "");
    printf("\nexamples:\n%s", u->examples);
}

__attribute__((format(printf, 2, 0))) static void complain(const char *command, const char *format,
                                                           va_list args)
{
    char text[MESSAGE_MAX], clean[MESSAGE_MAX];
    (void)vsnprintf(text, sizeof text, format, args);
    fprintf(stderr, "ss-plugin %s: %s", command, tool_printable(clean, sizeof clean, text));
}

__attribute__((format(printf, 2, 0))) static void point_to_help(const struct tool_usage *usage,
                                                                const char *format, va_list args)
{
    complain(usage->command, format, args);
    fprintf(stderr, "; see ss-plugin %s --help\n", usage->command);
}

int tool_wrong(const struct tool_usage *usage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    point_to_help(usage, format, args);
    va_end(args);
    return TOOL_USAGE;
}

enum ssp__next tool_refuse(const struct tool_usage *usage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    point_to_help(usage, format, args);
    va_end(args);
    return SSP_EXIT_WITH;
}

int tool_fail(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(command, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return TOOL_NO;
}

void tool_out_of_memory(void)
{
    (void)fputs("ss-plugin: out of memory\n", stderr);
    exit(SSP_EXIT_OS);
}

static const struct tool_option *find(const struct tool_usage *u, const char *name, size_t n)
{
    for (const struct tool_option *o = u->options; o != NULL && o->name != NULL; o++) {
        if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return o;
    }
    return NULL;
}

static enum ssp__next unknown(const struct tool_usage *u, const char *word)
{
    const char *names[WORD_MAX];
    size_t n = 0;
    for (const struct tool_option *o = u->options; o != NULL && o->name != NULL; o++) {
        if (n < WORD_MAX - 2)
            names[n++] = o->name;
    }
    names[n++] = "help";
    names[n] = NULL;
    const char *near = tool_resembles(word + 2, names);
    if (near != NULL)
        return tool_refuse(u, "unknown option %.60s (did you mean %s%s?)", word, dashes(near),
                           near);
    return tool_refuse(u, "unknown option %.60s", word);
}

/* The receiver of options. */
struct taker {
    const struct tool_usage *usage;
    tool_take_fn *take;
    void *arg;
};

/* Takes one option: a word, and the next one (NULL: none); *used when that is its value. */
static enum ssp__next take_one(const struct taker *t, const char *word, const char *next,
                               bool *used)
{
    const struct tool_usage *u = t->usage;
    const char *equals = strchr(word, '=');
    size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct tool_option *o = NULL;
    if (word[1] == '-' && n > 3)
        o = find(u, word + 2, n - 2);
    else if (word[1] != '-' && n == 2)
        o = find(u, word + 1, 1);
    if (o == NULL)
        return unknown(u, word);
    if (o->argument == NULL && equals != NULL)
        return tool_refuse(u, "%s%s takes no value", dashes(o->name), o->name);
    if (o->argument == NULL)
        return t->take(t->arg, o->name, NULL);
    *used = equals == NULL;
    if (equals == NULL && next == NULL)
        return tool_refuse(u, "%s%s needs a value: %s", dashes(o->name), o->name, o->argument);
    return t->take(t->arg, o->name, equals != NULL ? equals + 1 : next);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool is_operand(const char *word)
{
    return word[0] != '-' || word[1] == '\0';
}

static enum ssp__next exit_with(struct tool_line *line, int status)
{
    line->status = status;
    return SSP_EXIT_WITH;
}

enum ssp__next tool_read(const struct tool_usage *usage, struct tool_line *line, tool_take_fn *take,
                         void *arg)
{
    const struct taker taker = {usage, take, arg};
    char **argv = line->argv;
    int operands = 1;
    bool ended = false;
    for (int i = 1; i < line->argc; i++) {
        const char *next = i + 1 < line->argc ? argv[i + 1] : NULL;
        bool used = false;
        if (ended || is_operand(argv[i])) {
            argv[operands++] = argv[i];
            continue;
        }
        ended = strcmp(argv[i], "--") == 0;
        if (ended)
            continue;
        if (is_help(argv[i])) {
            tool_help(usage);
            return exit_with(line, TOOL_OK);
        }
        if (take_one(&taker, argv[i], next, &used) == SSP_EXIT_WITH)
            return exit_with(line, TOOL_USAGE);
        i += used;
    }
    line->argc = operands;
    return SSP_GO_ON;
}

const char *tool_resembles(const char *text, const char *const *names)
{
    struct ssp__guess guess;
    ssp__guess_begin(&guess, text);
    for (; *names != NULL; names++)
        (void)ssp__guess_offer(&guess, *names);
    return guess.best;
}

long tool_number(const char *text, long max)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    bool clean = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    return clean && n >= 1 && n <= max ? n : -1;
}

unsigned tool_width(FILE *out)
{
    struct winsize size;
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void tool_quote(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:@_";
    if (text[0] != '\0' && strspn(text, plain) == strlen(text)) {
        (void)fputs(text, stdout);
        return;
    }
    (void)putchar('\'');
    for (const char *c = text; *c != '\0'; c++)
        (void)fputs(*c == '\'' ? "'\\''" : (const char[]){*c, '\0'}, stdout);
    (void)putchar('\'');
}

const char *tool_printable(char *out, size_t cap, const char *text)
{
    size_t n = 0;
    for (; n + 1 < cap && text[n] != '\0'; n++) {
        out[n] = text[n];
        if (text[n] == '\t')
            out[n] = ' ';
        else if ((unsigned char)text[n] < ' ' || text[n] == 0x7f)
            out[n] = '?';
    }
    out[n] = '\0';
    return out;
}
