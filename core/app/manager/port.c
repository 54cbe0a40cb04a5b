/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/port.h"

#include "app/access.h"
#include "app/manager/state.h"
#include "app/programs.h"
#include "app/traffic.h"
#include "conf/manager.h"
#include "conf/text.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 512 };

struct ss_served {
    struct ss_conf conf;
    struct ss_instance instance;
};

/* ---- the server ---- */

static void drop_texts(struct ss_port_texts *t)
{
    ss_text_drop(&t->settings, true);
    ss_text_drop(&t->password, true);
    ss_text_drop(&t->method, false);
}

/* NULL after an error message. */
static struct ss_served *served_new(const struct ss_port *port, const char *settings)
{
    struct ss_served *s = calloc(1, sizeof *s);
    if (s == NULL || ss_port_conf(&s->conf, port->manager->conf, port->number, settings) == 0)
        return s;
    ss_conf_release(&s->conf);
    free(s);
    return NULL;
}

static void served_free(struct ss_served *s)
{
    if (s == NULL)
        return;
    ss_instance_close(&s->instance);
    ss_conf_release(&s->conf);
    free(s);
}

static void ready(void *arg)
{
    struct ss_port *port = arg;
    if (port->served == NULL) /* within its own opening */
        return;
    port->waiting = false;
    drop_texts(&port->former);
    port->manager->settled(port, true);
}

/* The plugin of a server is not released from within its own call. */
static void failed(void *arg)
{
    struct ss_port *port = arg;
    ssp__timer_start(port->manager->process.program.loop, &port->failed, 0);
}

static void hung_up(void *arg)
{
    ss_access_reload(arg);
}

/* Without an access list, SIGHUP ends the program. */
static void hear_hangups(struct ss_manager *m)
{
    if (m->process.accesses != NULL && !m->hears_hangups)
        m->hears_hangups =
            ssp__program_on_signal(&m->process.program, SIGHUP, hung_up, &m->process) == 0;
}

static int open_served(struct ss_port *port, struct ss_served *s,
                       const struct ss_instance *predecessor)
{
    s->instance.owner = (struct ss_instance_owner){.ready = ready, .failed = failed, .arg = port};
    s->instance.predecessor = predecessor;
    int rc = ss_instance_open(&s->instance, &port->manager->process, SS_SERVER, &s->conf);
    s->instance.predecessor = NULL;
    hear_hangups(port->manager);
    return rc;
}

/* Makes a server of the settings in force, which have served before. */
static void restore(struct ss_port *port)
{
    struct ss_served *s = served_new(port, port->now.settings);
    port->served = NULL;
    if (s != NULL && open_served(port, s, NULL) == 0) {
        port->served = s;
        return;
    }
    served_free(s);
    ssp_error("port %u is closed: its former settings cannot be restored; add it again",
              port->number);
}

/* Puts s in the place of the server that runs, if any. */
static enum ss_port_verdict replace(struct ss_port *port, struct ss_served *s)
{
    struct ss_served *old = port->served;
    bool beside = old != NULL && ss_instance_may_inherit(&old->instance, &s->conf);
    ssp__timer_stop(&port->failed); /* of old, or the new one would end for it */
    port->served = NULL;
    if (old != NULL && !beside)
        ss_instance_close(&old->instance);
    if (open_served(port, s, beside ? &old->instance : NULL) == -1) {
        enum ss_port_verdict verdict = s->instance.no_port ? SS_PORT_TAKEN : SS_PORT_REFUSED;
        served_free(s);
        port->served = beside ? old : NULL;
        if (old != NULL && !beside) {
            served_free(old);
            restore(port);
        }
        return verdict;
    }
    served_free(old);
    port->served = s;
    return s->instance.ready ? SS_PORT_SERVES : SS_PORT_WAITS;
}

/* The plugin that was waited for has failed, or that of a server that served. */
static void settle_failure(void *arg)
{
    struct ss_port *port = arg;
    served_free(port->served);
    port->served = NULL;
    if (port->waiting && port->former.settings != NULL) {
        drop_texts(&port->now);
        port->now = port->former;
        port->former = (struct ss_port_texts){.settings = NULL};
        restore(port);
    }
    port->waiting = false;
    port->manager->settled(port, false);
}

static struct ss_port *port_new(struct ss_manager *m, uint16_t number)
{
    struct ss_port *port = calloc(1, sizeof *port);
    if (port == NULL)
        return NULL;
    port->manager = m;
    port->number = number;
    port->failed = (struct ssp__timer){.fire = settle_failure, .arg = port};
    m->port[number] = port;
    return port;
}

/* A child keeps its port until it has ended: only a port that is new can be tried. */
static bool is_free(const struct ss_port *port, struct ss_conf *conf)
{
    struct ssp__instance trial;
    const struct ssp__service service = {.accepted = {.v6only = conf->servers > 1}};
    bool taken = false;
    ssp__instance_open(&trial, &port->manager->process.program);
    for (unsigned i = 0; i < conf->servers && !taken; i++) {
        char why[WHY_MAX];
        taken = ssp__instance_listen(&trial, &conf->server[i], &service, why, sizeof why) == -1;
        if (taken)
            ssp_error("%s", why);
    }
    ssp__instance_close(&trial);
    return !taken;
}

static enum ss_port_verdict employ(struct ss_port *port, struct ss_served *s)
{
    if (port->served == NULL && port->child.pid == 0 && s->conf.mode != SSP_UDP_ONLY &&
        !is_free(port, &s->conf)) {
        served_free(s);
        return SS_PORT_TAKEN;
    }
    served_free(port->served);
    port->served = s;
    return SS_PORT_SERVES;
}

static bool has_children(const struct ss_manager *m)
{
    return m->conf->executable != NULL;
}

/* ---- its settings ---- */

void ss_port_keep(const struct ss_port *port)
{
    const struct ss_manager *m = port->manager;
    if (port->configured && !has_children(m))
        return;
    if (ss_state_save(m->directory_fd, port->number, port->configured, port->now.settings) == -1)
        ssp_error("port %u is not kept over a restart: %s: %s", port->number, m->directory,
                  strerror(errno));
}

/* The conf of a server that listens has no password any more. */
static enum ss_port_verdict take(struct ss_port *port, struct ss_served *s, const char *settings,
                                 bool configured)
{
    struct ss_port_texts texts = {strdup(settings), strdup(s->conf.password),
                                  strdup(s->conf.method)};
    bool complete = texts.settings != NULL && texts.password != NULL && texts.method != NULL;
    if (!complete)
        served_free(s);
    enum ss_port_verdict verdict = !complete                     ? SS_PORT_REFUSED
                                   : has_children(port->manager) ? employ(port, s)
                                                                 : replace(port, s);
    if (verdict == SS_PORT_TAKEN || verdict == SS_PORT_REFUSED) {
        drop_texts(&texts);
        return verdict;
    }
    drop_texts(port->waiting ? &port->now : &port->former);
    if (!port->waiting)
        port->former = port->now;
    port->now = texts;
    port->leaving = false;
    port->waiting = verdict == SS_PORT_WAITS;
    port->configured = configured;
    if (verdict == SS_PORT_SERVES)
        ss_port_keep(port);
    return has_children(port->manager) && ss_child_run(port, &s->conf) == -1 ? SS_PORT_REFUSED
                                                                             : verdict;
}

enum ss_port_verdict ss_port_put(struct ss_manager *m, uint16_t number, const char *settings,
                                 bool configured)
{
    struct ss_port *port = m->port[number];
    bool fresh = port == NULL;
    if (fresh)
        port = port_new(m, number);
    if (port == NULL)
        return SS_PORT_REFUSED;
    struct ss_served *s = served_new(port, settings);
    enum ss_port_verdict verdict =
        s != NULL ? take(port, s, settings, configured) : SS_PORT_REFUSED;
    if (fresh && (verdict == SS_PORT_TAKEN || verdict == SS_PORT_REFUSED))
        ss_port_free(port);
    return verdict;
}

/* ---- the end ---- */

void ss_port_free(struct ss_port *port)
{
    ssp__timer_stop(&port->failed);
    ss_child_end(&port->child);
    served_free(port->served);
    drop_texts(&port->now);
    drop_texts(&port->former);
    port->manager->port[port->number] = NULL;
    free(port);
}

void ss_port_remove(struct ss_port *port)
{
    const struct ss_manager *m = port->manager;
    if (ss_state_drop(m->directory_fd, port->number) == -1)
        ssp_error("port %u comes back after a restart: %s: %s", port->number, m->directory,
                  strerror(errno));
    if (port->child.pid == 0) {
        ss_port_free(port);
        return;
    }
    served_free(port->served);
    port->served = NULL;
    drop_texts(&port->now);
    drop_texts(&port->former);
    port->reported = 0;
    port->leaving = true;
    ss_child_leave(port);
}

uint64_t ss_port_bytes(const struct ss_port *port)
{
    if (has_children(port->manager) || port->served == NULL)
        return port->reported;
    return ss_traffic_bytes(&port->served->instance);
}

const struct ss_instance *ss_port_instance(const struct ss_port *port)
{
    return !has_children(port->manager) && port->served != NULL ? &port->served->instance : NULL;
}
