/* SPDX-License-Identifier: Apache-2.0 */
#include "app/serving.h"

#include "app/access_log.h"
#include "app/control.h"
#include "app/handover.h"
#include "app/programs.h"
#include "app/refresh.h"
#include "app/reload.h"
#include "app/retire.h"
#include "app/store.h"
#include "app/traffic.h"

#include <ssplugin/log.h>

#include <signal.h>

static int out_of_memory(void)
{
    ssp_error("start: out of memory");
    return -1;
}

/* Opens each instance; all listen before root is given up. */
static int open_all(struct ss_serving *s)
{
    struct ss_instance **link = &s->first;
    for (size_t i = 0; i < ss_generation_count(s->now); i++) {
        struct ss_instance *instance = ss_generation_instance(s->now, i);
        if (instance == NULL)
            return out_of_memory();
        *link = instance;
        link = &instance->sibling;
        enum ss_program program = ss_generation_program(s->now, i, s->program);
        if (ss_instance_open(instance, &s->process, program, instance->conf) == -1)
            return -1;
    }
    ss_conf_forget_key(&s->now->conf);
    return 0;
}

static void visit_instances(void *of, ss_instance_visit_fn *visit, void *arg)
{
    const struct ss_serving *s = of;
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling)
        visit(arg, i);
}

static void log_traffic(void *arg)
{
    const struct ss_serving *s = arg;
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling)
        ss_traffic_log(i);
}

/* No program is executed once the start is over, so that a signal cannot begin another process. */
static void explain_upgrade(void *arg)
{
    (void)arg;
    ssp_info("SIGUSR2: a new program takes over from this one when it is started with --take-over "
             "and the same control");
}

static int heed_signals(struct ss_serving *s)
{
    struct ssp__program *program = &s->process.program;
    bool heeds = ssp__program_on_signal(program, SIGUSR1, log_traffic, s) == 0 &&
                 ssp__program_on_signal(program, SIGUSR2, explain_upgrade, s) == 0;
    return heeds ? 0 : out_of_memory();
}

static void tell_status(void *arg, char text[SS_STATUS_MAX])
{
    const struct ss_serving *s = arg;
    struct ss_traffic_sum sum = {.ports = 0};
    ssp__crew_hold(s->process.program.crew); /* one that hangs keeps the watchdog waiting, too */
    ssp__crew_release(s->process.program.crew);
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling)
        ss_traffic_add(&sum, i);
    ss_traffic_describe(&sum, text);
}

static void close_all(struct ss_serving *s)
{
    while (s->first != NULL) {
        struct ss_instance *i = s->first;
        s->first = i->sibling;
        ss_generation_end_instance(i);
    }
}

static int serve(struct ss_serving *s)
{
    struct ss_conf *conf = &s->origin->conf;
    bool serves =
        ss_process_open(&s->process, s->program, conf) == 0 &&
        ss_access_log_open(&s->process.access_log, conf) == 0 &&
        (s->program != SS_SERVER || ss_salts_open(&s->process.salts, conf) == 0) &&
        (s->program != SS_SERVER ||
         ss_store_open(&s->process.store, conf, ss_salts_keeper(s->process.salts)) == 0) &&
        heed_signals(s) == 0 && open_all(s) == 0 && ss_store_begin(s->process.store, s) == 0 &&
        ss_reload_open(s) == 0 && ss_refresh_open(s) == 0 &&
        ss_metrics_open(&s->metrics, &s->process, s->program, conf,
                        (struct ss_instances){visit_instances, s}) == 0 &&
        ss_control_open(s) == 0 && ss_process_drop_privileges(conf, s->program) == 0 &&
        ss_access_log_begin(s->process.access_log) == 0;
    s->process.heartbeat.status = tell_status;
    s->process.heartbeat.arg = s;
    if (serves)
        ss_process_restrict_calls();
    int status = serves ? ss_process_run(&s->process) : SS_EXIT_FATAL;
    ss_store_end(s->process.store);
    ss_handover_close(s);
    ss_control_close(s->control);
    ss_metrics_close(&s->metrics);
    ss_refresh_close(s->refresh);
    ss_reload_close(s->reload);
    close_all(s);
    ss_retired_close(&s->process);
    ss_store_free(s->process.store);
    s->process.store = NULL;
    ss_process_close(&s->process);
    return status;
}

int ss_serve(enum ss_program program, struct ss_arguments arguments, struct ss_conf *conf)
{
    struct ss_serving s = {.program = program, .arguments = arguments};
    s.origin = s.now = ss_generation_new();
    if (s.origin == NULL) {
        (void)out_of_memory();
        return SS_EXIT_FATAL;
    }
    s.origin->holders++; /* as both */
    s.origin->conf = *conf;
    *conf = (struct ss_conf){.servers = 0};
    for (size_t i = 0; i < s.origin->conf.instances; i++)
        s.origin->conf.instance[i].whole = &s.origin->conf;
    int status = serve(&s);
    ss_generation_leave(s.now);
    ss_generation_leave(s.origin);
    return status;
}
