/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - the command line of a plugin that runs without a host.
 *
 * The letters are those of simple-obfs, so that its users find what they know; every row of an
 * option table is a long option as well.
 */
#ifndef SSP_PLUGIN_CLI_H
#define SSP_PLUGIN_CLI_H

#include "options/settings.h"

#include <stdbool.h>

enum { SSP_CLI_HOSTS_MAX = 4096, SSP_CLI_PAIR_MAX = 272 };

struct ssp__cli {
    char remote_host[SSP_CLI_HOSTS_MAX]; /* all -s, joined by '|'; -r of a client, -l of a server */
    const char *remote_port;             /* -p; the same */
    const char *local_host, *local_port; /* -b and -l of a client, -r of a server */
    char listen[SSP_CLI_PAIR_MAX];       /* storage of -l HOST:PORT */
    char dial[SSP_CLI_PAIR_MAX];         /* storage of -r HOST:PORT */
    const char *pid_file;                /* -f */
    unsigned nofile;                     /* -n; 0: as it is */
    bool check;                          /* --check: validate and end */
    ssp__unknown_fn *on_unknown;         /* hears of unknown options of --opts; may be NULL */
    void *arg;                           /* of on_unknown */
};

/*
 * Reads argv.  Plugin options go into settings at once, addresses into cli.
 *
 * Returns -1 to go on, else the exit status: help, version, the option table or the reason has been
 * printed.
 */
int ssp__cli_read(struct ssp__cli *cli, struct ssp__settings *settings, ssp_role role, int argc,
                  char **argv);

/* Completes env with what the command line gave; what it did not give stays.  Returns 0, or -1 with
 * the missing address in why. */
int ssp__cli_env(const struct ssp__cli *cli, ssp_env *env, char *why, size_t why_cap);

#endif
