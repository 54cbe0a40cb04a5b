/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - the common part of main() of the plugins that run other programs.
 */
#ifndef WRAP_PROGRAM_H
#define WRAP_PROGRAM_H

#include <ssplugin/env.h>

#include <stdbool.h>

struct wrap_program {
    const char *name, *version;
    const char *usage; /* for --help, and where there is no host */

    /* Runs with a complete contract.  name is argv[0]; check: validate only, start nothing. Returns
     * the exit status. */
    int (*run)(const ssp_env *env, char *name, bool check);
};

/* Begins the life of the process, reads arguments and contract, then runs the program. */
int wrap_main(int argc, char **argv, const struct wrap_program *program);

#endif
