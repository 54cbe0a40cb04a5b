/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/run.h"

#include "chain/notices.h"

#include <ssplugin/lifecycle.h>
#include <ssplugin/log.h>
#include <ssplugin/supervise.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATUS_MAX = 1024,
    STATS_MAX = 4000,
    DEPTH_TEXT = sizeof "CHAIN_DEPTH=" + 12,
    LIMIT_TEXT = sizeof "SS_PLUGIN_HANDSHAKE_MS=" + 16
};

static const char loopback[] = "127.0.0.1";

struct member;

struct chain {
    const ssp_env *env;
    ssp_role role;
    const struct stages *stages;
    const struct processes *processes;
    const struct stages_self *self;
    ssp_unit *unit;
    struct member *member; /* one for each process */
    struct notices notices;
    char *local_hosts, *remote_hosts; /* as a host writes them */
    char depth[DEPTH_TEXT];
    char handshake_limit[LIMIT_TEXT];
    const char *variables[3];
};

/* A process as a member of the unit. */
struct member {
    struct chain *chain;
    unsigned process;
    int number; /* in the unit; -1: not yet */
    bool tells; /* it supports the extensions of SIP003, and so SIGHUP */
    const char *argv[3];
};

static void add_next(struct chain *c, unsigned started);

/* ---- what they say ---- */

static void tell_stats(const struct chain *c)
{
    char text[STATS_MAX];
    (void)ssp_notify(c->env->notify_fd, "STATS", notices_compose(&c->notices, text, sizeof text));
}

static void tell_client_options(const struct member *p, const char *value)
{
    struct items items = {.text = NULL};
    notices_client_options(&items, p->chain->processes->process[p->process].first + 1, value);
    if (items.text != NULL && !items.failed)
        (void)ssp_notify(p->chain->env->notify_fd, "CLIENT-OPTIONS", items.text);
    items_release(&items);
}

static void heard(void *arg, const char *key, const char *value)
{
    struct member *p = arg;
    p->tells = true;
    if (strcmp(key, "STATS") == 0) {
        notices_stats(&p->chain->notices, p->process, value);
        tell_stats(p->chain);
    } else if (strcmp(key, "CLIENT-OPTIONS") == 0) {
        tell_client_options(p, value);
    }
}

/* For SIGUSR1. */
static void log_counters(void *arg)
{
    const struct chain *c = arg;
    for (unsigned i = 0; i < c->processes->n; i++) {
        const struct process *process = &c->processes->process[i];
        ssp_info("stage %u, %.60s: %s", process->first + 1,
                 process->stacked ? process->names : c->stages->stage[process->first].name,
                 c->notices.stats[i][0] != '\0' ? c->notices.stats[i] : "no counters");
    }
}

/* For SIGHUP, which ends programs that do not expect it. */
static void pass_reload(void *arg)
{
    const struct chain *c = arg;
    for (unsigned i = 0; i < c->processes->n; i++) {
        if (c->member[i].tells)
            ssp_host_reload(ssp_unit_host(c->unit, (unsigned)c->member[i].number));
    }
}

/* ---- one after another ---- */

static void ready(void *arg)
{
    const struct member *p = arg;
    const struct chain *c = p->chain;
    unsigned started = c->role == SSP_CLIENT ? c->processes->n - p->process : p->process + 1;
    add_next(p->chain, started);
}

static uint16_t port_of(const struct member *p)
{
    return ssp_host_port(ssp_unit_host(p->chain->unit, (unsigned)p->number));
}

/* The addresses to listen on and to dial: the outer ones at the ends of the chain, else a port that
 * the host chooses and the port of the neighbour that already runs. */
static void place(ssp_host_conf *conf, const struct member *p)
{
    const struct chain *c = p->chain;
    bool client = c->role == SSP_CLIENT, nearest = p->process == 0;
    bool farthest = p->process + 1 == c->processes->n;
    conf->local_host = nearest ? c->local_hosts : loopback;
    conf->remote_host = farthest ? c->remote_hosts : loopback;
    if (nearest)
        conf->local_port = (uint16_t)ssp_port_parse(c->env->local_port);
    else if (!client)
        conf->local_port = port_of(p - 1);
    if (farthest)
        conf->remote_port = (uint16_t)ssp_port_parse(c->env->remote_port);
    else if (client)
        conf->remote_port = port_of(p + 1);
}

static void add_member(struct member *p)
{
    const struct chain *c = p->chain;
    const struct process *process = &c->processes->process[p->process];
    ssp_host_conf conf = {.size = sizeof conf,
                          .plugin = c->stages->stage[process->first].path,
                          .options = process->options.text,
                          .role = c->role,
                          .ready_ms = c->stages->start_ms,
                          .grace_ms = SSP_UNIT_GRACE_MS,
                          .on_ready = ready,
                          .arg = p,
                          .mode = c->env->mode,
                          .on_notify = heard,
                          .variables = c->variables};
    if (process->stacked) { /* this program as a stack */
        p->argv[0] = "--stack";
        p->argv[1] = process->names;
        conf.plugin = c->self->path;
        conf.argv = p->argv;
    }
    place(&conf, p);
    p->number = ssp_unit_add(c->unit, &conf);
    if (p->number == -1) {
        ssp_error("start plugin %s: out of memory", conf.plugin);
        ssp_unit_stop(c->unit, SSP_EXIT_OS);
    }
}

static void add_next(struct chain *c, unsigned started)
{
    if (started < c->processes->n)
        add_member(&c->member[c->role == SSP_CLIENT ? c->processes->n - 1 - started : started]);
}

/* ---- all of it ---- */

static void describe(const struct chain *c, char *text, size_t cap)
{
    int n = snprintf(text, cap, "%s chain:", c->role == SSP_CLIENT ? "client" : "server");
    for (unsigned i = 0; i < c->processes->n && n > 0 && (size_t)n < cap; i++) {
        const struct process *process = &c->processes->process[i];
        n += snprintf(text + n, cap - (size_t)n, "%s %u=%.60s%s", i > 0 ? "," : "",
                      process->first + 1,
                      process->stacked ? process->names : c->stages->stage[process->first].name,
                      process->n > 1 ? " (one process)" : "");
    }
}

/* A host writes IPv6 literals without brackets, even if its own configuration has them.  NULL: out
 * of memory. */
static char *unbracketed(const char *given)
{
    char *hosts = malloc(strlen(given) + 1);
    size_t n = 0;
    for (; hosts != NULL && *given != '\0'; given++) {
        if (*given != '[' && *given != ']')
            hosts[n++] = *given;
    }
    if (hosts != NULL)
        hosts[n] = '\0';
    return hosts;
}

/* The deadline of the host is that of each of its plugins. */
static void pass_handshake_limit(struct chain *c)
{
    const char *ms = getenv("SS_PLUGIN_HANDSHAKE_MS");
    if (ms == NULL)
        return;
    (void)snprintf(c->handshake_limit, sizeof c->handshake_limit, "SS_PLUGIN_HANDSHAKE_MS=%.16s",
                   ms);
    c->variables[1] = c->handshake_limit;
}

static int run(struct chain *c)
{
    char status[STATUS_MAX];
    for (unsigned i = 0; i < c->processes->n; i++)
        c->member[i] = (struct member){.chain = c, .process = i, .number = -1};
    (void)snprintf(c->depth, sizeof c->depth, "CHAIN_DEPTH=%u", c->self->depth + 1);
    c->variables[0] = c->depth;
    pass_handshake_limit(c);
    c->notices.processes = c->processes;
    describe(c, status, sizeof status);
    ssp_unit_on_ask(c->unit, log_counters, c);
    ssp_unit_on_reload(c->unit, pass_reload, c);
    add_next(c, 0);
    return ssp_unit_run(c->unit, status);
}

static void release(struct chain *c)
{
    if (c == NULL)
        return;
    ssp_unit_free(c->unit);
    free(c->member);
    free(c->local_hosts);
    free(c->remote_hosts);
    free(c);
}

int chain_run(const ssp_env *env, ssp_role role, const struct stages *stages,
              const struct processes *processes, const struct stages_self *self)
{
    struct chain *c = calloc(1, sizeof *c);
    int status = SSP_EXIT_OS;
    if (c != NULL)
        *c = (struct chain){.env = env,
                            .role = role,
                            .stages = stages,
                            .processes = processes,
                            .self = self,
                            .unit = ssp_unit_new(env),
                            .member = calloc(processes->n, sizeof *c->member),
                            .local_hosts = unbracketed(env->local_host),
                            .remote_hosts = unbracketed(env->remote_host)};
    if (c != NULL && c->unit != NULL && c->member != NULL && c->local_hosts != NULL &&
        c->remote_hosts != NULL)
        status = run(c);
    else
        ssp_error("no event loop: out of memory or descriptors");
    release(c);
    return status;
}
