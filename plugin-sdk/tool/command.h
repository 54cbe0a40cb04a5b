/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - the command lines of the subcommands of ss-plugin: a table each, and one parser.
 *
 * Exit status of every subcommand: 0 it is so, 1 it is not, 64 a wrong command line.
 */
#ifndef SSP_TOOL_COMMAND_H
#define SSP_TOOL_COMMAND_H

#include "base/next.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TOOL_OK = 0, TOOL_NO = 1, TOOL_USAGE = 64 };

/* One option of a subcommand; a table ends with a row without name. */
struct tool_option {
    const char *name;     /* as in --name; one of a single letter has one dash */
    const char *argument; /* what follows it, for --help; NULL: nothing does */
    const char *help;     /* a sentence, wrapped when it is printed */
};

/* The command line of a subcommand, and the texts of its --help. */
struct tool_usage {
    const char *command;               /* "opts encode" */
    const char *arguments;             /* of the synopsis: "[options] BIN" */
    const char *about;                 /* sentences, wrapped when they are printed */
    const struct tool_option *options; /* --help is not in it; NULL: none */
    const char *examples;              /* one a line, indented by two */
};

/* Takes one option that was given.  SSP_EXIT_WITH: tool_refuse() has printed the reason. */
typedef enum ssp__next tool_take_fn(void *arg, const char *name, const char *value);

/* The words of a subcommand: its name in argv[0]. */
struct tool_line {
    int argc;
    char **argv;
    int status; /* beside SSP_EXIT_WITH */
};

/*
 * Reads the options of line, behind argv[0] and wherever they stand; after "--" there are none.
 *
 * SSP_GO_ON: the operands are left in argv[1] to argv[argc - 1].  SSP_EXIT_WITH: help or the reason
 * has been printed.
 */
enum ssp__next tool_read(const struct tool_usage *usage, struct tool_line *line, tool_take_fn *take,
                         void *arg);

/* Prints usage as --help does. */
void tool_help(const struct tool_usage *usage);

/* Prints "ss-plugin COMMAND: text" and where help is to stderr.  Returns TOOL_USAGE.  Here and
 * below the text may hold words of others: its control characters are made harmless. */
int tool_wrong(const struct tool_usage *usage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same as the answer of a tool_take_fn.  Returns SSP_EXIT_WITH. */
enum ssp__next tool_refuse(const struct tool_usage *usage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints "ss-plugin COMMAND: text" to stderr.  Returns TOOL_NO. */
int tool_fail(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints "ss-plugin: out of memory" to stderr and ends the program with SSP_EXIT_OS. */
_Noreturn void tool_out_of_memory(void);

/* The known name that text most resembles, or NULL.  names ends with NULL. */
const char *tool_resembles(const char *text, const char *const *names);

/* A number of 1 to max; -1 when text is none. */
long tool_number(const char *text, long max);

/* Columns of a terminal; 0 when out is none, or has no known width. */
unsigned tool_width(FILE *out);

/* Prints text as one word for any shell of the Bourne family. */
void tool_quote(const char *text);

/* Copies text with its control characters made harmless; out always ends with a NUL. */
const char *tool_printable(char *out, size_t cap, const char *text);

int check_main(int argc, char **argv);
int check_host_main(int argc, char **argv);
int describe_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int env_main(int argc, char **argv);
int new_main(int argc, char **argv);
int opts_main(int argc, char **argv);
int run_main(int argc, char **argv);

#endif
