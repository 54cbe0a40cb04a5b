/* SPDX-License-Identifier: Apache-2.0 */
#include "app/reload.h"

#include "app/access_log.h"
#include "app/capture.h"
#include "app/notify.h"
#include "app/programs.h"
#include "app/reading.h"
#include "app/retire.h"
#include "app/store.h"
#include "app/thread.h"
#include "app/upstreams.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct ss_reload {
    struct ss_serving *serving; /* borrowed */
    struct ss_reading reading;  /* the thread's while it runs */
    struct ss_upstreams_change servers;
    struct ss_thread thread;
    bool again;    /* SIGHUP has come meanwhile */
    bool terminal; /* the program was started at one */
};

/* ---- it is prepared ---- */

static struct ss_instance *former_of(const struct ss_reading *r, size_t i)
{
    return r->step[i].former;
}

/* A table that goes on has the counters, and the users that connections know. */
static void keep_users(struct ss_conf *conf, const struct ss_step *step)
{
    if (!step->counted || step->former == NULL)
        return;
    ss_users_free(conf->users);
    conf->users = ss_users_hold(step->former->conf->users);
}

static int prepare_one(struct ss_serving *s, struct ss_reading *r, size_t i)
{
    struct ss_step *step = &r->step[i];
    struct ss_conf *conf = ss_generation_conf(r->next, i);
    if (ss_programs_refuse(conf) == -1)
        return -1;
    if (r->change[i].kind == SS_KEPT)
        return 0;
    if (step->former != NULL && !step->former->joined) {
        ssp_error("a server has failed: restart the program");
        return -1;
    }
    keep_users(conf, step);
    struct ss_instance *fresh = ss_generation_instance(r->next, i);
    if (fresh == NULL) {
        ssp_error("out of memory");
        return -1;
    }
    step->fresh = fresh;
    fresh->predecessor = step->former;
    fresh->meter = step->former != NULL ? step->former->meter : NULL;
    int rc =
        ss_instance_open(fresh, &s->process, ss_generation_program(r->next, i, s->program), conf);
    fresh->predecessor = NULL;
    return rc;
}

/* Fills reading.why when something cannot be had. */
static int prepare(struct ss_reload *reload)
{
    struct ss_serving *s = reload->serving;
    struct ss_reading *r = &reload->reading;
    struct ss_capture capture;
    ss_capture_begin(&capture, true);
    s->process.staged = r->accesses;
    const char *why = ss_upstreams_prepare(&reload->servers, &s->process, &r->next->conf);
    int rc = why == NULL ? 0 : -1;
    for (size_t i = 0; i < r->n && rc == 0; i++)
        rc = prepare_one(s, r, i);
    ss_capture_end();
    if (rc == -1)
        (void)snprintf(r->why, sizeof r->why, "%s",
                       why != NULL && *why != '\0' ? why : capture.error);
    return rc;
}

/* A plugin was lent only. */
static void take_back(struct ss_reload *reload)
{
    struct ss_reading *r = &reload->reading;
    for (size_t i = 0; i < r->n; i++) {
        struct ss_instance *fresh = r->step[i].fresh;
        if (fresh == NULL)
            continue;
        if (former_of(r, i) != NULL)
            fresh->plugin = NULL;
        ss_generation_end_instance(fresh);
    }
    reload->serving->process.staged = NULL;
    ss_upstreams_abort(&reload->servers);
}

/* ---- it takes effect: nothing of this can fail ---- */

static void put_in_place(struct ss_serving *s, struct ss_reading *r)
{
    ss_store_gather(s->process.store);
    struct ss_instance **link = &s->first;
    for (size_t i = 0; i < r->n; i++) {
        struct ss_step *step = &r->step[i];
        struct ss_instance *at = step->fresh != NULL ? step->fresh : step->former;
        if (step->fresh != NULL && step->former != NULL) {
            ss_server_take_plugin(step->fresh, step->former);
            ss_instance_retire(step->former, step->fresh, r->change[i].kind == SS_REKEYED);
        }
        ssp__instance_limit(&at->relay, &ss_generation_conf(r->next, i)->allowance);
        if (step->counted)
            ss_users_apply(at->conf->users, &step->users);
        *link = at;
        link = &at->sibling;
    }
    *link = NULL;
    ss_store_read_again(s->process.store);
}

/* A client keeps its downloads; a server, its clients no longer. */
static void retire_gone(struct ss_reading *r)
{
    for (size_t i = 0; i < r->formers; i++) {
        if (r->gone[i])
            ss_instance_retire(r->former[i], NULL,
                               ss_programs[r->former[i]->program].role == SSP_SERVER);
    }
}

static void forget_keys(struct ss_generation *g)
{
    for (size_t i = 0; i < ss_generation_count(g); i++)
        ss_conf_forget_key(ss_generation_conf(g, i));
    ss_conf_forget_key(&g->conf);
}

/* To those who asked for it at the control socket; one that comes after this one answers them. */
static void answer(const struct ss_reload *reload, bool done, const char *text)
{
    const struct ss_serving *s = reload->serving;
    if (s->told != NULL && !reload->again)
        s->told(s->control, done, text);
}

static void tell_success(const struct ss_reload *reload, const char *what)
{
    const struct ss_reading *r = &reload->reading;
    size_t n[SS_REKEYED + 1] = {0}, gone = 0, added = 0, removed = 0;
    for (size_t i = 0; i < r->n; i++) {
        n[r->change[i].kind]++;
        added += r->step[i].users.additions;
        removed += r->step[i].users.removals;
    }
    for (size_t i = 0; i < r->formers; i++)
        gone += r->gone[i];
    char text[SS_READING_WHY_MAX];
    (void)snprintf(text, sizeof text,
                   "reload of %s: ports added: %zu, changed: %zu, removed: %zu; users added: %zu, "
                   "removed: %zu",
                   what, n[SS_ADDED], n[SS_REPLACED] + n[SS_REKEYED], gone, added, removed);
    ssp_info("%s", text);
    answer(reload, true, text);
}

static void commit(struct ss_reload *reload)
{
    struct ss_serving *s = reload->serving;
    struct ss_reading *r = &reload->reading;
    put_in_place(s, r);
    retire_gone(r);
    ss_access_commit(&s->process);
    r->accesses = NULL;
    ss_upstreams_commit(&reload->servers);
    forget_keys(r->next);
    ss_generation_leave(s->now);
    s->now = r->next;
    r->next = NULL;
    if (s->reloaded != NULL)
        s->reloaded(s->refresh);
}

/* ---- from SIGHUP to the end ---- */

static void read_files(void *arg)
{
    struct ss_reload *reload = arg;
    ss_reading_make(&reload->reading, reload->serving, &reload->thread.stop);
}

/* systemd waits for both. */
static void notify(bool begins)
{
    char text[64];
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    ss_notify(begins ? text : "READY=1");
}

static const char *file_of(const struct ss_reload *reload)
{
    return reload->serving->origin->conf.path;
}

/* A complaint about the file names it already, perhaps with a line. */
static void refuse(const struct ss_reload *reload, const char *why)
{
    const char *file = file_of(reload);
    size_t len = strlen(file);
    bool named = strncmp(why, file, len) == 0 && why[len] == ':';
    char text[SS_READING_WHY_MAX + PATH_MAX];
    (void)snprintf(text, sizeof text, "reload of %s%s%s; the previous configuration stays in use",
                   named ? "" : file, named ? "" : ": ", why);
    ssp_error("%s", text);
    answer(reload, false, text);
}

static void begin(struct ss_reload *reload)
{
    reload->again = reload->thread.runs;
    if (reload->thread.runs)
        return;
    notify(true);
    int error = ss_thread_begin(&reload->thread);
    if (error == 0)
        return;
    refuse(reload, strerror(error));
    notify(false);
}

static void finish(void *arg)
{
    struct ss_reload *reload = arg;
    struct ss_reading *r = &reload->reading;
    struct ssp__crew *crew = reload->serving->process.program.crew;
    ssp__crew_hold(crew);
    if (r->failed) {
        refuse(reload, r->why);
    } else if (prepare(reload) == -1) {
        take_back(reload);
        refuse(reload, r->why);
    } else {
        tell_success(reload, file_of(reload));
        commit(reload);
    }
    ssp__crew_release(crew);
    ss_reading_release(r);
    notify(false);
    if (reload->again)
        begin(reload);
}

void ss_reload_begin(struct ss_reload *reload)
{
    struct ss_serving *s = reload->serving;
    ss_access_log_reopen(s->process.access_log);
    if (s->departure.asked) {
        ssp_info("reload: another process is taking over, with a configuration of its own");
        answer(reload, false, "another process is taking over");
    } else if (s->origin->conf.path != NULL && s->arguments.at != NULL) {
        begin(reload);
    } else {
        if (s->origin->conf.path != NULL)
            refuse(reload,
                   "the command line had a password, which is not kept: put it into a file");
        ss_access_reload(&s->process);
        answer(reload, true, "access lists are read again, see the log");
    }
}

bool ss_reload_runs(const struct ss_reload *reload)
{
    return reload != NULL && reload->thread.runs;
}

/* A terminal that is gone answers no more. */
static void hung_up(void *arg)
{
    struct ss_reload *reload = arg;
    pid_t heir = reload->serving->departure.heir;
    if (heir != 0) {
        ss_access_log_reopen(reload->serving->process.access_log);
        ssp_info("SIGHUP: process %d serves now, and reads its configuration", (int)heir);
    } else if (reload->terminal && isatty(STDERR_FILENO) == 0)
        ssp__program_stop(&reload->serving->process.program, SS_EXIT_OK);
    else
        ss_reload_begin(reload);
}

int ss_reload_open(struct ss_serving *s)
{
    if (s->origin->conf.path == NULL && s->process.accesses == NULL &&
        s->process.access_log == NULL)
        return 0;
    struct ss_reload *reload = calloc(1, sizeof *reload);
    if (reload == NULL) {
        ssp_error("start: out of memory");
        return -1;
    }
    s->reload = reload;
    *reload = (struct ss_reload){.serving = s, .terminal = isatty(STDERR_FILENO) == 1};
    reload->thread.work = read_files;
    reload->thread.done = finish;
    reload->thread.arg = reload;
    if (ss_thread_open(&reload->thread, s->process.program.loop) == 0 &&
        ssp__program_on_signal(&s->process.program, SIGHUP, hung_up, reload) == 0)
        return 0;
    ssp_error("start: cannot prepare for SIGHUP: %s", strerror(errno));
    return -1;
}

void ss_reload_close(struct ss_reload *reload)
{
    if (reload == NULL)
        return;
    ss_thread_close(&reload->thread);
    ss_reading_release(&reload->reading);
    free(reload);
}
