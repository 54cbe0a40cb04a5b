/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - ss-plugin: runs, tests and explains SIP003 plugins. */
#include "base/printed.h"
#include "check/probe.h"
#include "command.h"

#include "net/daemon.h"
#include <ssplugin/version.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} subcommands[] = {
    {"check", check_main, "does a plugin keep the SIP003 contract"},
    {"check-host", check_host_main, "does a host keep it"},
    {"describe", describe_main, "which options does a plugin take"},
    {"doctor", doctor_main, "why does a plugin not start"},
    {"env", env_main, "the environment that a host sets for a plugin"},
    {"new", new_main, "write a plugin project"},
    {"opts", opts_main, "encode, decode and explain SS_PLUGIN_OPTIONS"},
    {"run", run_main, "a plugin, or a pair, as a plain tunnel with counters"},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static void print_help(FILE *out)
{
    fprintf(out, "usage: ss-plugin COMMAND [options]\n\n"
                 "Runs, tests and explains SIP003 plugins.\n\n");
    for (int i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-11s %s\n", subcommands[i].name, subcommands[i].about);
    fprintf(out, "\nss-plugin COMMAND --help says more about each; --version, --help.\n\n"
                 "examples:\n"
                 "  ss-plugin doctor --options 'obfs=http' obfs-local\n"
                 "  ss-plugin check --client obfs-local --copts obfs=http \\\n"
                 "                  --server obfs-server --sopts obfs=http\n");
}

static const char *resembles(const char *text)
{
    const char *names[SUBCOMMANDS + 1];
    for (int i = 0; i < SUBCOMMANDS; i++)
        names[i] = subcommands[i].name;
    names[SUBCOMMANDS] = NULL;
    return tool_resembles(text, names);
}

static int unknown(const char *text)
{
    const char *near = resembles(text);
    char shown[64];
    fprintf(stderr, "ss-plugin: unknown command %s%s%s%s; see ss-plugin --help\n",
            tool_printable(shown, sizeof shown, text), near != NULL ? ": did you mean " : "",
            near != NULL ? near : "", near != NULL ? "?" : "");
    return TOOL_USAGE;
}

/* Output that could not be written is a failure. */
static int written(int status)
{
    if (ssp__printed())
        return status;
    fprintf(stderr, "ss-plugin: write the answer: %s\n", strerror(errno));
    return status != TOOL_OK ? status : TOOL_NO;
}

int main(int argc, char **argv)
{
    struct probe_name name;
    if (probe_called(&name))
        probe_run(name);
    ssp__daemon_open_stdio();
    if (argc < 2) {
        print_help(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("ss-plugin %s\n", ssp_version());
        return written(TOOL_OK);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return written(TOOL_OK);
    }
    for (int i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return written(subcommands[i].run(argc - 1, argv + 1));
    }
    return unknown(argv[1]);
}
