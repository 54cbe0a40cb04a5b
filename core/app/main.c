/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - a process with one instance, from the command line; SS_PROGRAM is the row of it. */
#include "app/export.h"
#include "app/plugin.h"
#include "conf/complain.h"
#include "conf/options.h"

#include <sodium.h>

static int serve(struct ss_process *process, struct ss_instance *instance, struct ss_conf *conf)
{
    bool serves = ss_process_open(process, SS_PROGRAM, conf) == 0 &&
                  ss_instance_open(instance, process, SS_PROGRAM, conf) == 0 &&
                  ss_process_drop_privileges(conf) == 0;
    int status = serves ? ss_process_run(process) : SS_EXIT_FATAL;
    ss_instance_close(instance);
    ss_process_close(process);
    return status;
}

int main(int argc, char **argv)
{
    char **own = ss_args_own(SS_PROGRAM, argc, argv);
    struct ss_conf conf;
    struct ss_process process = {.serving = 0};
    struct ss_instance instance = {.plugins = 0};
    int status;
    ssp__daemon_open_stdio();
    if (own == NULL || sodium_init() == -1) {
        ss_complain(&(struct ss_origin){.program = SS_PROGRAM},
                    own == NULL ? "out of memory"
                                : "libsodium cannot start: no source of randomness");
        return SS_EXIT_FATAL;
    }
    enum ssp__next next = ss_conf_read(&conf, SS_PROGRAM, argc, own, &status);
    ss_args_free(argc, own);
    if (next == SSP_EXIT_WITH)
        return status;
    if (conf.print_plugin_env)
        status = ss_plugin_print_env(SS_PROGRAM, &conf);
    else if (conf.export_url)
        status = ss_export_urls(SS_PROGRAM, &conf);
    else
        status = serve(&process, &instance, &conf);
    ss_conf_release(&conf);
    return status;
}
