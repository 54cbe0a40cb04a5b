/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - the command line of a plugin that runs without a host.
 *
 * The letters are those of simple-obfs, so that its users find familiar options; every row of an
 * option table is a long option as well.
 */
#ifndef SSP_PLUGIN_CLI_H
#define SSP_PLUGIN_CLI_H

#include "base/next.h"
#include "options/settings.h"

#include <stdbool.h>

enum { SSP_CLI_ADDRESSES_MAX = 64, SSP_CLI_HOSTS_MAX = 4096, SSP_CLI_PAIR_MAX = 272 };

struct ssp__cli {
    /* -s, -p, -l, -b and -r in their order.  The role, which a later word may decide, says what
     * they mean. */
    struct {
        int letter;
        const char *text;
    } address[SSP_CLI_ADDRESSES_MAX];
    unsigned addresses;
    char remote_host[SSP_CLI_HOSTS_MAX]; /* storage: hosts joined by '|' */
    char listen[SSP_CLI_PAIR_MAX];       /* storage of -l HOST:PORT */
    char dial[SSP_CLI_PAIR_MAX];         /* storage of -r HOST:PORT */
    const char *pid_file;                /* -f */
    unsigned nofile;                     /* -n; 0: the highest */
    bool help;                           /* --help: print it and end */
    bool check;                          /* --check: validate and end */
    ssp__unknown_fn *on_unknown;         /* called for unknown options of --opts; may be NULL */
    void *arg;                           /* of on_unknown */
};

/* Reads argv: plugin options go into settings, all else into cli.  Exits with *status when version,
 * option table or the reason has been printed. */
enum ssp__next ssp__cli_read(struct ssp__cli *cli, struct ssp__settings *settings, int argc,
                             char **argv, int *status);

/* Completes env, whose role is known, with the addresses of the command line; other fields stay.
 * Returns 0, or -1 with a sentence in why. */
int ssp__cli_place(struct ssp__cli *cli, struct ssp__settings *settings, ssp_env *env, char *why,
                   size_t why_cap);

/* Prints the --help text of the role. */
void ssp__cli_help(const struct ssp__settings *settings, ssp_role role);

#endif
