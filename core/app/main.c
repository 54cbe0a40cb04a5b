/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - a process with its instances, from the command line; SS_PROGRAM is the row of it. */
#include "app/check.h"
#include "app/export.h"
#include "app/manager/manager.h"
#include "app/monitor.h"
#include "app/orders.h"
#include "app/plugin.h"
#include "app/serving.h"
#include "conf/complain.h"
#include "conf/dump.h"
#include "conf/options.h"
#include "crypto/start.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void give_up(void)
{
    ssp_error("libsodium has no random bytes: %s: allow getrandom()", strerror(errno));
    _exit(SS_EXIT_FATAL);
}

int main(int argc, char **argv)
{
    bool secret = false;
    char **own = ss_args_own(SS_PROGRAM, argc, argv, &secret);
    struct ss_conf conf;
    int status;
    ssp__daemon_open_stdio();
    ssp_log_open(SSP_LOG_PLUGIN, ss_programs[SS_PROGRAM].name, false); /* until conf is read */
    const char *why = own != NULL ? ss_crypto_start(give_up, SS_EXIT_FATAL) : "out of memory";
    if (why != NULL) {
        ss_complain(&(struct ss_origin){.program = SS_PROGRAM}, "%s", why);
        ss_args_free(argc, own);
        return SS_EXIT_FATAL;
    }
    enum ssp__next next = ss_conf_read_again(
        &conf, SS_PROGRAM, &(struct ss_conf_source){.argc = argc, .argv = own}, &status);
    bool keeps = next == SSP_GO_ON && !secret && SS_PROGRAM != SS_MANAGER;
    if (!keeps) {
        ss_args_free(argc, own);
        own = NULL;
    }
    if (next == SSP_EXIT_WITH)
        return status;
    if (conf.check) /* first, because a mistaken conf is of no other use */
        status = ss_check(SS_PROGRAM, &conf);
    else if (conf.print_plugin_env)
        status = ss_plugin_print_env(SS_PROGRAM, &conf);
    else if (conf.dump_config)
        status = ss_conf_dump(&conf, SS_PROGRAM);
    else if (conf.status)
        status = ss_monitor(&conf, ss_programs[SS_PROGRAM].name);
    else if (conf.reload)
        status = ss_order_reload(&conf, ss_programs[SS_PROGRAM].name);
    else if (conf.export_url)
        status = ss_export_urls(SS_PROGRAM, &conf);
    else
        status = SS_PROGRAM == SS_MANAGER
                     ? ss_manager_serve(&conf)
                     : ss_serve(SS_PROGRAM, (struct ss_arguments){argc, own}, &conf);
    ss_args_free(argc, own);
    ss_conf_release(&conf);
    return status;
}
