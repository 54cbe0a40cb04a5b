/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the JSON file of simple-obfs, which -c or the option c names.
 *
 * The file has the lowest precedence: its keys become words in front of the command line and items
 * in front of SS_PLUGIN_OPTIONS, where the last one wins.
 */
#ifndef OBFS_CONFIG_H
#define OBFS_CONFIG_H

#include "obfs/obfs.h"

struct obfs_config {
    int argc;
    char **argv;  /* the arguments and options that replace the program's own */
    char **owned; /* argv, when it is not the program's */
    char **word;  /* owned: the words from the file */
    int words;
};

/* Reads the file, if argv or SS_PLUGIN_OPTIONS name one.  Returns 0, or -1 with a sentence in why;
 * obfs_config_release() is due either way. */
int obfs_config_read(struct obfs_config *c, ssp_role role, int argc, char **argv,
                     char why[OBFS_WHY_MAX]);

void obfs_config_release(struct obfs_config *c);

#endif
