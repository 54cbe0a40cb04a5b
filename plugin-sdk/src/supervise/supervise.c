/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/supervise.h>

#include <ssplugin/lifecycle.h>
#include <ssplugin/log.h>

#include "net/loop.h"
#include "plugin/lifecycle.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY_MAX = 1024, RUNNING = -1, FIRST_SIGNAL = 128 + 1, LAST_SIGNAL = 128 + 64 };

struct member {
    ssp_unit *unit;
    ssp_host_conf conf; /* the program's; the host gets conf with the callbacks of the unit */
    ssp_host *host;
};

struct call {
    void (*fn)(void *arg);
    void *arg;
};

enum { TERM, INT, PARENT, ASK, RELOAD, SIGNALS };

struct ssp_unit {
    const ssp_env *env;
    ssp_loop *loop;
    struct ssp__signal *signal[SIGNALS];
    struct ssp__watch *input;
    struct member **member; /* each at a stable address */
    unsigned members, started;
    const char *line;
    struct call on_ready, on_ask, on_reload;
    int status; /* of the process; RUNNING: none yet */
};

/* ---- the end ---- */

void ssp_unit_stop(ssp_unit *unit, int status)
{
    if (unit->status == RUNNING)
        unit->status = status;
    ssp_loop_stop(unit->loop);
}

static void asked_to_stop(void *arg)
{
    ssp_unit_stop(arg, SSP_EXIT_OK);
}

/* The signal may come for one thread of the host, or from any process. */
static void host_changed(void *arg)
{
    const ssp_unit *unit = arg;
    if (unit->env != NULL && ssp_lifecycle_orphaned())
        asked_to_stop(arg);
}

static void input_ready(void *arg)
{
    char ignored[64];
    if (read(ssp_lifecycle_input_fd(), ignored, sizeof ignored) == 0)
        asked_to_stop(arg);
}

static void make(const struct call *call)
{
    if (call->fn != NULL)
        call->fn(call->arg);
}

static void asked(void *arg)
{
    make(&((const ssp_unit *)arg)->on_ask);
}

static void asked_to_reload(void *arg)
{
    make(&((const ssp_unit *)arg)->on_reload);
}

/* ---- one after another ---- */

static void start_next(ssp_unit *unit);

static void all_ready(ssp_unit *unit)
{
    int fd = unit->env != NULL ? unit->env->notify_fd : -1;
    make(&unit->on_ready);
    if (unit->line != NULL) {
        bool told = fd != -1 && ssp_notify(fd, "STATUS", unit->line) == 0;
        if (!told) /* a host that has been told logs it */
            ssp_info("%s", unit->line);
    }
    (void)ssp_notify_ready(fd);
}

static void member_ready(void *arg)
{
    const struct member *m = arg;
    if (m->conf.on_ready != NULL)
        m->conf.on_ready(m->conf.arg);
    if (m->unit->status == RUNNING)
        start_next(m->unit);
}

static int status_of(const ssp_host *host)
{
    int status = ssp_host_exit_status(host);
    if (status == -1)
        return SSP_EXIT_OS;
    bool by_signal = status >= FIRST_SIGNAL && status <= LAST_SIGNAL;
    return status == 0 || by_signal ? SSP_EXIT_BUG : status;
}

static void member_died(void *arg, const char *why)
{
    const struct member *m = arg;
    ssp_error("%s", why);
    if (m->conf.on_death != NULL)
        m->conf.on_death(m->conf.arg, why);
    ssp_unit_stop(m->unit, status_of(m->host));
}

static void member_notifies(void *arg, const char *key, const char *value)
{
    const struct member *m = arg;
    m->conf.on_notify(m->conf.arg, key, value);
}

static void member_says(void *arg, const char *line)
{
    const struct member *m = arg;
    m->conf.on_line(m->conf.arg, line);
}

static ssp_host_conf with_our_callbacks(struct member *m)
{
    ssp_host_conf conf = m->conf;
    conf.on_ready = member_ready;
    conf.on_down = conf.on_death = member_died;
    conf.on_notify = m->conf.on_notify != NULL ? member_notifies : NULL;
    conf.on_line = m->conf.on_line != NULL ? member_says : NULL;
    conf.arg = m;
    return conf;
}

static void start_next(ssp_unit *unit)
{
    char why[WHY_MAX];
    if (unit->started == unit->members) {
        all_ready(unit);
        return;
    }
    struct member *m = unit->member[unit->started];
    ssp_host_conf conf = with_our_callbacks(m);
    m->host = ssp_host_start(unit->loop, &conf, why, sizeof why);
    if (m->host != NULL) {
        unit->started++;
        return;
    }
    ssp_error("%s", why);
    ssp_unit_stop(unit, SSP_EXIT_OS);
}

/* All have the same time to end, which passes once. */
static void end_all(ssp_unit *unit)
{
    for (unsigned i = unit->started; i > 0; i--)
        ssp_host_begin_stop(unit->member[i - 1]->host);
    for (unsigned i = unit->started; i > 0; i--) {
        ssp_host_stop(unit->member[i - 1]->host);
        unit->member[i - 1]->host = NULL;
    }
    unit->started = 0;
}

int ssp_unit_run(ssp_unit *unit, const char *status)
{
    unit->line = status;
    host_changed(unit);
    if (unit->status == RUNNING)
        start_next(unit);
    if (unit->status == RUNNING && ssp_loop_run(unit->loop) == -1)
        ssp_unit_stop(unit, SSP_EXIT_OS);
    end_all(unit);
    return unit->status;
}

/* ---- from nothing, and back ---- */

static int take_signals(ssp_unit *unit)
{
    const struct {
        int signo;
        void (*fire)(void *arg);
    } rows[SIGNALS] = {[TERM] = {SIGTERM, asked_to_stop},
                       [INT] = {SIGINT, asked_to_stop},
                       [PARENT] = {SIGUSR2, host_changed},
                       [ASK] = {SIGUSR1, asked},
                       [RELOAD] = {SIGHUP, asked_to_reload}};
    for (int i = 0; i < SIGNALS; i++) {
        unit->signal[i] = ssp__signal_watch(unit->loop, rows[i].signo, rows[i].fire, unit);
        if (unit->signal[i] == NULL)
            return -1;
    }
    return 0;
}

/* Uses a signal of its own: that of ssp_lifecycle_begin() also comes when one thread of the host
 * has ended. */
static int follow_host(ssp_unit *unit)
{
    int fd = ssp_lifecycle_input_fd();
    if (unit->env == NULL)
        return 0;
    (void)ssp__lifecycle_follow(SIGUSR2);
    if (ssp__lifecycle_input_ended())
        unit->status = SSP_EXIT_OK;
    if (fd == -1 || unit->status != RUNNING)
        return 0;
    unit->input = ssp__watch_open(unit->loop, fd, input_ready, unit);
    return unit->input != NULL ? 0 : -1;
}

ssp_unit *ssp_unit_new(const ssp_env *env)
{
    ssp_unit *unit = calloc(1, sizeof *unit);
    if (unit == NULL)
        return NULL;
    unit->env = env;
    unit->status = RUNNING;
    unit->loop = ssp_loop_new();
    if (unit->loop != NULL && take_signals(unit) == 0 && follow_host(unit) == 0)
        return unit;
    ssp_unit_free(unit);
    return NULL;
}

ssp_loop *ssp_unit_loop(const ssp_unit *unit)
{
    return unit->loop;
}

int ssp_unit_add(ssp_unit *unit, const ssp_host_conf *conf)
{
    size_t known = conf->size < sizeof *conf ? conf->size : sizeof *conf;
    if (known == 0)
        return -1;
    struct member **grown = realloc(unit->member, (unit->members + 1) * sizeof(struct member *));
    if (grown == NULL)
        return -1;
    unit->member = grown;
    struct member *m = calloc(1, sizeof *m);
    if (m == NULL)
        return -1;
    m->unit = unit;
    memcpy(&m->conf, conf, known); /* fields beyond an older size stay zero */
    m->conf.size = sizeof m->conf;
    unit->member[unit->members] = m;
    return (int)unit->members++;
}

ssp_host *ssp_unit_host(const ssp_unit *unit, unsigned member)
{
    return member < unit->members ? unit->member[member]->host : NULL;
}

void ssp_unit_on_ready(ssp_unit *unit, void (*fn)(void *arg), void *arg)
{
    unit->on_ready = (struct call){fn, arg};
}

void ssp_unit_on_ask(ssp_unit *unit, void (*fn)(void *arg), void *arg)
{
    unit->on_ask = (struct call){fn, arg};
}

void ssp_unit_on_reload(ssp_unit *unit, void (*fn)(void *arg), void *arg)
{
    unit->on_reload = (struct call){fn, arg};
}

void ssp_unit_free(ssp_unit *unit)
{
    if (unit == NULL)
        return;
    end_all(unit);
    for (unsigned i = 0; i < unit->members; i++)
        free(unit->member[i]);
    free(unit->member);
    for (int i = 0; i < SIGNALS; i++)
        ssp__signal_free(unit->signal[i]);
    ssp__watch_close(unit->input);
    ssp_loop_free(unit->loop);
    free(unit);
}
