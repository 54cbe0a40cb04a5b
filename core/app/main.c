/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - a process with its instances, from the command line; SS_PROGRAM is the row of it. */
#include "app/check.h"
#include "app/export.h"
#include "app/manager/manager.h"
#include "app/plugin.h"
#include "app/programs.h"
#include "app/traffic.h"
#include "conf/complain.h"
#include "conf/dump.h"
#include "conf/options.h"
#include "crypto/start.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Opens each instance; all listen before root is given up. */
static int open_all(struct ss_process *process, struct ss_instance *instance, struct ss_conf *conf)
{
    if (conf->instances == 0)
        return ss_instance_open(instance, process, SS_PROGRAM, conf);
    for (size_t i = 0; i < conf->instances; i++) {
        struct ss_conf *one = &conf->instance[i];
        if (ss_instance_open(&instance[i], process, one->program, one) == -1)
            return -1;
    }
    ss_conf_forget_key(conf);
    return 0;
}

struct instances {
    struct ss_instance *at;
    size_t n;
};

static void log_traffic(void *arg)
{
    const struct instances *all = arg;
    for (size_t i = 0; i < all->n; i++)
        ss_traffic_log(&all->at[i]);
}

static void tell_status(void *arg, char text[SS_STATUS_MAX])
{
    const struct instances *all = arg;
    struct ss_traffic_sum sum = {.ports = 0};
    for (size_t i = 0; i < all->n; i++)
        ss_traffic_add(&sum, &all->at[i]);
    ss_traffic_describe(&sum, text);
}

static int serve(struct ss_conf *conf)
{
    struct ss_process process = {.serving = 0};
    size_t n = conf->instances > 0 ? conf->instances : 1;
    struct ss_instance *instance = calloc(n, sizeof *instance);
    struct instances all = {instance, n};
    if (instance == NULL)
        return SS_EXIT_FATAL;
    bool serves = ss_process_open(&process, SS_PROGRAM, conf) == 0 &&
                  ssp__program_on_signal(&process.program, SIGUSR1, log_traffic, &all) == 0 &&
                  open_all(&process, instance, conf) == 0 &&
                  ss_process_drop_privileges(conf, SS_PROGRAM) == 0;
    process.heartbeat.status = tell_status;
    process.heartbeat.arg = &all;
    if (serves)
        ss_process_restrict_calls();
    int status = serves ? ss_process_run(&process) : SS_EXIT_FATAL;
    for (size_t i = 0; i < n; i++)
        ss_instance_close(&instance[i]);
    ss_process_close(&process);
    free(instance);
    return status;
}

static void give_up(void)
{
    ssp_error("libsodium has no random bytes: %s: allow getrandom()", strerror(errno));
    _exit(SS_EXIT_FATAL);
}

int main(int argc, char **argv)
{
    char **own = ss_args_own(SS_PROGRAM, argc, argv);
    struct ss_conf conf;
    int status;
    ssp__daemon_open_stdio();
    ssp_log_open(SSP_LOG_PLUGIN, ss_programs[SS_PROGRAM].name, false); /* until conf is read */
    const char *why = own != NULL ? ss_crypto_start(give_up) : "out of memory";
    if (why != NULL) {
        ss_complain(&(struct ss_origin){.program = SS_PROGRAM}, "%s", why);
        ss_args_free(argc, own);
        return SS_EXIT_FATAL;
    }
    enum ssp__next next = ss_conf_read(&conf, SS_PROGRAM, argc, own, &status);
    ss_args_free(argc, own);
    if (next == SSP_EXIT_WITH)
        return status;
    if (conf.check) /* first, because a mistaken conf is of no other use */
        status = ss_check(SS_PROGRAM, &conf);
    else if (conf.print_plugin_env)
        status = ss_plugin_print_env(SS_PROGRAM, &conf);
    else if (conf.dump_config)
        status = ss_conf_dump(&conf, SS_PROGRAM);
    else if (conf.export_url)
        status = ss_export_urls(SS_PROGRAM, &conf);
    else
        status = SS_PROGRAM == SS_MANAGER ? ss_manager_serve(&conf) : serve(&conf);
    ss_conf_release(&conf);
    return status;
}
