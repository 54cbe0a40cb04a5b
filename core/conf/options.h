/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line: one table, which yields the arguments of getopt_long and the help
 * text.
 */
#ifndef SS_CONF_OPTIONS_H
#define SS_CONF_OPTIONS_H

#include "conf/fields.h"

enum ss_act {
    SS_ACT_SET, /* the field of the name in ss_option::field */
    SS_ACT_IGNORE,
    SS_ACT_FILE,
    SS_ACT_IMPORT,
    SS_ACT_GENKEY,
    SS_ACT_HELP,
    SS_ACT_VERSION,
    SS_ACT_OTA
};

struct ss_option {
    char letter;          /* 0: none */
    const char *name;     /* of the long form; NULL: none */
    const char *argument; /* the argument as the help shows it; NULL: takes none */
    unsigned programs;    /* SS_FOR_* */
    enum ss_act act;
    const char *field;    /* key whose value is set */
    const char *constant; /* the value set by an option without an argument */
    const char *help;     /* NULL: not shown */
};

/* A row that has only help begins a group.  The last row is all zero. */
extern const struct ss_option ss_options[];

/*
 * Copies the arguments and overwrites the secrets among the originals, which every user of the
 * machine can read: the first thing that a program does.  *secret says whether there were any.
 * NULL when memory is out.
 */
char **ss_args_own(enum ss_program program, int argc, char **argv, bool *secret);
char **ss_args_copy(int argc, char *const *argv); /* without that; the same */
void ss_args_free(int argc, char **own);          /* wipes; accepts NULL */

/* Reads argv into *conf.  Exits after an error message, the help or the version. */
enum ssp__next ss_args_read(struct ss_conf *conf, enum ss_program program, int argc, char **argv,
                            int *status);

/* Prints usage, options and examples on stdout. */
void ss_help_print(enum ss_program program);

/* Prints the name and version of the project on stdout. */
void ss_version_print(void);

#endif
