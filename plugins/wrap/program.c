/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap/program.h"

#include <ssplugin/lifecycle.h>
#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 1024 };

/* Prints what --help or --version asks for.  Other arguments are ignored, since some hosts give
 * plugins arguments of their own. */
static bool answers(int argc, char **argv, const struct wrap_program *program, bool *check)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(program->usage, stdout);
            return true;
        }
        if (strcmp(argv[i], "--version") == 0) {
            (void)printf("%s %s\n", program->name, program->version);
            return true;
        }
        *check = *check || strcmp(argv[i], "--check") == 0;
    }
    return false;
}

/* An answer that could not be written is a failure. */
static int printed(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return SSP_EXIT_OK;
    ssp_error("write the answer: %s", strerror(errno));
    return SSP_EXIT_OS;
}

static int run_hosted(const struct wrap_program *program, char *name, bool check)
{
    char why[WHY_MAX];
    ssp_env env;
    int found = ssp_env_read(&env, sizeof env, why, sizeof why);
    if (found == 1)
        return program->run(&env, name, check);
    if (found == 0) {
        (void)fputs(program->usage, stderr);
        return SSP_EXIT_USAGE;
    }
    ssp_error("%s", why);
    return SSP_EXIT_CONFIG;
}

int wrap_main(int argc, char **argv, const struct wrap_program *program)
{
    char nameless[] = "";
    bool check = false;
    if (ssp_lifecycle_begin() == -1)
        return SSP_EXIT_OK;
    ssp_log_open(SSP_LOG_PLUGIN, program->name, false);
    if (answers(argc, argv, program, &check))
        return printed();
    return run_hosted(program, argc > 0 ? argv[0] : nameless, check);
}
