/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - chain: plugin over plugin, as one SIP003 plugin. */
#include "chain/codecs.h"
#include "chain/run.h"

#include "wrap/program.h"

#include <ssplugin/ssplugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 1024 };

static const char usage[] =
    "chain: runs plugin over plugin as one SIP003 plugin\n\n"
    "It takes the addresses and options of a SIP003 host from its environment:\n"
    "  SS_PLUGIN_OPTIONS='1=obfs-local;1.obfs=http;2=ss-v2ray-plugin;2.host=a.b'\n\n"
    "  N=PROGRAM        stage N, from 1, which is nearest to Shadowsocks\n"
    "  N.OPTION=VALUE   an option of stage N\n"
    "  start=SECONDS    limit until a stage listens (10)\n"
    "  server, client   the role, for hosts that do not set it\n\n"
    "  --check, --version, --help\n";

/* ---- a stack of codecs ---- */

/* The program has no SSP_PLUGIN_NOTE: a listening socket that its host hands over would not reach
 * a first stage that is another process. */
static int run_stack(char *name, const struct codecs_layer *run, size_t n)
{
    const ssp_codec *codec[STAGES_MAX];
    char *argv[] = {name, NULL};
    for (size_t i = 0; i < n; i++)
        codec[i] = &run[i].codec;
    return ssp_mainv(1, argv, codec, n);
}

/* "--stack a,b": the command by which a chain runs several codecs as one process. */
static int run_named(char *name, char *names)
{
    struct codecs_layer run[STAGES_MAX];
    unsigned n = 0;
    char *rest = names;
    for (char *one; n < STAGES_MAX && (one = strsep(&rest, ",")) != NULL; n++) {
        const ssp_codec *codec = codecs_find(one);
        if (codec == NULL)
            return SSP_EXIT_USAGE;
        codecs_layer(run, n, codec);
    }
    return run_stack(name, run, n);
}

/* All stages are codecs: they run in this process. */
static int run_here(char *name, ssp_role role, const struct stages *stages,
                    const struct process *process)
{
    struct codecs_layer run[STAGES_MAX];
    for (unsigned i = 0; i < process->n; i++)
        codecs_layer(run, i, stages->stage[i].codec);
    const char *options = process->options.text != NULL ? process->options.text : "";
    if (setenv("SS_PLUGIN_OPTIONS", options, 1) == -1 ||
        setenv("SS_PLUGIN_ROLE", role == SSP_SERVER ? "server" : "client", 1) == -1)
        return SSP_EXIT_OS;
    return run_stack(name, run, process->n);
}

/* ---- a chain ---- */

static int begin(struct stages_self *self, char *path, char *directory)
{
    const char *depth = getenv("CHAIN_DEPTH");
    unsigned long n = depth != NULL ? strtoul(depth, NULL, 10) : 0;
    if (realpath("/proc/self/exe", path) == NULL)
        return -1;
    (void)snprintf(directory, STAGES_PATH_MAX, "%s", path);
    *strrchr(directory, '/') = '\0';
    *self = (struct stages_self){path, directory,
                                 n < STAGES_DEPTH_MAX ? (unsigned)n : STAGES_DEPTH_MAX};
    return 0;
}

static int run_stages(char *name, const ssp_env *env, const struct stages *stages,
                      const struct stages_self *self, bool check)
{
    struct processes processes;
    char why[WHY_MAX];
    int status = SSP_EXIT_OK;
    ssp_role role = stages_role(stages, env, name, why, sizeof why);
    if (role == SSP_ROLE_UNKNOWN || stages_check(stages, role, why, sizeof why) == -1) {
        ssp_error("%s", why);
        return SSP_EXIT_CONFIG;
    }
    if (processes_make(&processes, stages) == -1) {
        ssp_error("out of memory");
        status = SSP_EXIT_OS;
    } else if (!check && processes.n == 1 && processes.process[0].stacked) {
        status = run_here(name, role, stages, &processes.process[0]);
    } else if (!check) {
        status = chain_run(env, role, stages, &processes, self);
    }
    processes_release(&processes);
    return status;
}

static int run(const ssp_env *env, char *name, bool check)
{
    char path[STAGES_PATH_MAX], directory[STAGES_PATH_MAX], why[WHY_MAX];
    struct stages_self self;
    struct stages *stages = calloc(1, sizeof *stages);
    int status = SSP_EXIT_CONFIG;
    if (stages == NULL || begin(&self, path, directory) == -1) {
        free(stages);
        ssp_error("out of memory, or /proc is not mounted");
        return SSP_EXIT_OS;
    }
    if (stages_read(stages, env->options != NULL ? env->options : "", &self, why, sizeof why) == 0)
        status = run_stages(name, env, stages, &self, check);
    else
        ssp_error("%s", why);
    stages_release(stages);
    free(stages);
    return status;
}

SSP_PLUGIN_NEEDS_PORTS

int main(int argc, char **argv)
{
    static const struct wrap_program program = {"chain", CHAIN_VERSION, usage, run};
    if (argc == 3 && strcmp(argv[1], "--stack") == 0)
        return run_named(argv[0], argv[2]);
    return wrap_main(argc, argv, &program);
}
