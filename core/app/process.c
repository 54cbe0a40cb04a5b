/* SPDX-License-Identifier: Apache-2.0 */
#include "app/process.h"

#include "app/access.h"
#include "app/access_log.h"
#include "app/notify.h"
#include "crypto/engine.h"
#include "host/process/hardening.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

enum { WHY_MAX = 512 };

static void open_log(enum ss_program program, bool to_syslog, bool verbose)
{
    ssp_log_open(to_syslog ? SSP_LOG_SYSLOG : SSP_LOG_DAEMON, ss_programs[program].name, verbose);
}

/* The child logs to syslog; an error before is printed. */
static int to_background(struct ss_process *process, enum ss_program program,
                         const struct ss_conf *c)
{
    char why[WHY_MAX];
    int rc = (c->take_over ? ssp__daemon_detach_beside
                           : ssp__daemon_detach)(&process->daemon, c->pid_file, why, sizeof why);
    if (rc == -1)
        ssp_error("%s", why);
    open_log(program, true, c->verbose);
    return rc;
}

static void choose_engine(void)
{
    char line[SS_ENGINE_LINE_MAX];
    if (ss_engine_choose(line) == 0)
        ssp_debug("%s", line);
    else
        ssp_error("%s", line);
}

static void taken_over(struct ss_process *process)
{
    ss_process_started(process);
    ss_process_ready(process);
}

/* The process waits for it as for an instance. */
static int take_over(struct ss_process *process, enum ss_program program, const struct ss_conf *c)
{
    process->takeover.program = program;
    process->takeover.done = taken_over;
    if (ss_takeover_begin(&process->takeover, process, c) == -1)
        return -1;
    process->starting++;
    process->unready++;
    return 0;
}

static int open_workers(struct ss_process *process, const struct ss_conf *c)
{
    const char *why;
    if (c->workers <= 1)
        return 0;
    ssp_info("%u workers", c->workers);
    if (ssp__crew_open(&process->program, c->workers - 1, c->nameserver, c->ipv6_first, &why) == 0)
        return 0;
    ssp_error("start: workers: %s", why);
    return -1;
}

int ss_process_open(struct ss_process *process, enum ss_program program, const struct ss_conf *c)
{
    char why[WHY_MAX];
    const char *phrase;
    *process = (struct ss_process){
        .starting = 1, .unready = 1, .own = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    randombytes_buf(process->secret, sizeof process->secret);
    ssp__harden_process(c->core_dumps);
    open_log(program, c->use_syslog && c->pid_file == NULL, c->verbose);
    if (c->pid_file != NULL && to_background(process, program, c) == -1)
        return -1;
    choose_engine();
    ss_activation_open(&process->activation);
    if (c->nofile == 0)
        ssp__daemon_raise_files();
    else if (ssp__daemon_limit_files(c->nofile, why, sizeof why) == -1)
        ssp_error("%s", why);
    if (ssp__program_open(&process->program, c->nameserver, c->ipv6_first, &phrase) == -1) {
        ssp_error("start: %s", phrase);
        return -1;
    }
    ssp__program_mark_lookups(&process->program, c->fwmark);
    if (open_workers(process, c) == -1)
        return -1;
    if (c->nameserver != NULL)
        ssp_info("using nameserver: %s", c->nameserver);
    return c->take_over ? take_over(process, program, c) : 0;
}

int ss_process_listen_at(struct ss_process *process, struct ssp__control *file, const char *path,
                         char *why, size_t why_cap)
{
    int fd = ss_activation_take_path(&process->activation, path);
    if (fd == -1)
        return ssp__control_listen(file, path, why, why_cap);
    ssp__control_adopt(file, path);
    return fd;
}

/* Sockets that are made later need it: marked ones, and those that answer for others. */
static bool needs_net_admin(const struct ss_conf *c, enum ss_program program)
{
    bool needed = c->fwmark != 0 || (program == SS_REDIR && c->mode != SSP_TCP_ONLY);
    for (size_t i = 0; i < c->instances; i++)
        needed = needed || needs_net_admin(&c->instance[i], c->instance[i].program);
    return needed;
}

int ss_process_drop_privileges(const struct ss_conf *c, enum ss_program program)
{
    char why[WHY_MAX];
    if (c->user != NULL &&
        ssp__daemon_become(c->user, needs_net_admin(c, program), why, sizeof why) == -1) {
        ssp_error("%s", why);
        return -1;
    }
    if (geteuid() == 0)
        ssp_info("running from root user");
    ssp__harden_process(c->core_dumps);
    return 0;
}

void ss_process_restrict_calls(void)
{
    if (ssp__harden_calls() == -1)
        ssp_info("the kernel cannot restrict system calls: %s", strerror(errno));
}

void ss_process_join(struct ss_process *process)
{
    process->serving++;
    process->starting++;
    process->unready++;
}

void ss_process_started(struct ss_process *process)
{
    if (--process->starting == 0 && !ssp__daemon_ready(&process->daemon))
        ssp__program_stop(&process->program, SS_EXIT_FATAL);
}

/* The takeover itself is the last that is waited for. */
void ss_process_ready(struct ss_process *process)
{
    process->unready--;
    if (process->unready == 1 && ss_takeover_waits(&process->takeover))
        ss_takeover_finish(&process->takeover);
    if (process->unready == 0 && !process->announced) {
        ss_notify("READY=1");
        ss_heartbeat_start(&process->heartbeat, process->program.loop);
    }
    process->announced = process->announced || process->unready == 0;
}

void ss_process_leave(struct ss_process *process)
{
    process->serving--;
}

void ss_process_failed(struct ss_process *process)
{
    if (process->serving == 0 || ss_takeover_waits(&process->takeover))
        ssp__program_stop(&process->program, SS_EXIT_FATAL);
}

int ss_process_run(struct ss_process *process)
{
    ss_activation_close(&process->activation);
    ss_process_started(process);
    ss_process_ready(process);
    int error = ssp__crew_start(process->program.crew);
    if (error != 0) {
        ssp_error("start: cannot start a worker: %s (set a smaller number of workers)",
                  strerror(error));
        ssp__program_stop(&process->program, SS_EXIT_FATAL);
    }
    int status = ssp__program_run(&process->program);
    ssp__crew_join(process->program.crew);
    ss_heartbeat_stop(&process->heartbeat);
    ss_notify("STOPPING=1");
    if (status == 0)
        ssp_debug("closed gracefully");
    return status;
}

void ss_process_close(struct ss_process *process)
{
    ss_takeover_close(&process->takeover);
    ssp__crew_free(&process->program);
    ssp__program_close(&process->program);
    ss_activation_close(&process->activation);
    ss_access_log_close(process->access_log);
    process->access_log = NULL;
    ss_access_free(process->accesses);
    process->accesses = NULL;
    ss_salts_close(process->salts);
    process->salts = NULL;
    ssp__own_addresses_release(&process->own);
    ssp__daemon_end(&process->daemon);
}
