/* SPDX-License-Identifier: Apache-2.0 */
#include "app/entrance.h"

#include "app/access.h"
#include "app/traffic.h"
#include "app/upstreams.h"
#include "http/own.h"
#include <ssplugin/log.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pages, and what they were last filled with. */
struct ss_view {
    const struct ss_instance *instance;
    pthread_mutex_t lock; /* one thread writes a page at a time: guards status */
    struct ss_pages pages;
    struct ss_status status;
};

/* The program of a command, without its directory and arguments. */
static void name_plugin(struct ss_status_server *s, const char *command)
{
    const char *name = command;
    size_t len = command != NULL ? strcspn(command, " \t") : 0;
    for (size_t i = 0; i < len; i++)
        name = command[i] == '/' ? command + i + 1 : name;
    (void)snprintf(s->plugin, sizeof s->plugin, "%.*s", len > 0 ? (int)(command + len - name) : 0,
                   len > 0 ? name : "");
}

static enum ss_status_state state_of(const struct ss_upstream *u)
{
    if (u->dead)
        return SS_STATUS_DEAD;
    if (!ss_upstream_up(u))
        return SS_STATUS_STARTING;
    return ss_upstreams_standing(u).failures > 0 ? SS_STATUS_FAILING : SS_STATUS_UP;
}

static void add_server(void *arg, const struct ss_upstream *u)
{
    struct ss_status *status = arg;
    if (status->servers == SS_STATUS_SERVERS) {
        status->hidden++;
        return;
    }
    struct ss_status_server *s = &status->server[status->servers++];
    const struct ss_standing standing = ss_upstreams_standing(u);
    *s = (struct ss_status_server){.method = u->keys->keys.method->name,
                                   .state = state_of(u),
                                   .failures = standing.failures,
                                   .latency_ms = standing.latency_ms};
    name_plugin(s, u->conf.plugin);
    ssp__endpoint_format(&u->conf.server[0], s->address, sizeof s->address);
}

static const struct ss_status *look(void *arg)
{
    struct ss_view *view = arg;
    const struct ss_instance *instance = view->instance;
    const struct ssp__counters counters = ss_traffic_of(instance);
    struct ss_status *status = &view->status;
    status->live = ssp__instance_live(&instance->relay);
    status->accepted = counters.accepted;
    status->failed = counters.failed;
    status->up = counters.bytes_up;
    status->down = counters.bytes_down;
    status->packets_up = counters.packets_up;
    status->packets_down = counters.packets_down;
    status->users = instance->entrance.accounts.n > 0;
    status->servers = status->hidden = 0;
    ss_upstreams_each(instance->upstreams, add_server, status);
    ss_status_note(status, ssp__loop_now_ms(instance->process->program.loop));
    return status;
}

static const char *rules(void *arg, size_t *len)
{
    const struct ss_view *view = arg;
    return ss_access_pac(view->instance, len);
}

static void hold(void *arg, bool on)
{
    struct ss_view *view = arg;
    (void)(on ? pthread_mutex_lock : pthread_mutex_unlock)(&view->lock);
}

static bool is_loopback(const char *host)
{
    struct ssp__address address;
    return ssp__address_parse(&address, host, 0) == 0 ? ssp__address_loopback(&address)
                                                      : strcmp(host, "localhost") == 0;
}

int ss_entrance_open(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    struct ss_entrance *entrance = &instance->entrance;
    if (c->accounts > 0 && c->mode == SSP_UDP_ONLY) {
        ssp_error("local_users and mode udp_only leave no connection on which a client names "
                  "itself; remove one of them");
        return -1;
    }
    entrance->accounts = (struct ss_accounts){c->account, c->accounts};
    entrance->names = ss_names_new();
    instance->view = calloc(1, sizeof *instance->view);
    if (entrance->names == NULL || instance->view == NULL) {
        ssp_error("start: out of memory");
        return -1;
    }
    struct ss_view *view = instance->view;
    view->instance = instance;
    (void)pthread_mutex_init(&view->lock, NULL); /* which cannot fail here */
    view->pages = (struct ss_pages){
        .anywhere = c->pages_exposed, .look = look, .rules = rules, .hold = hold, .arg = view};
    if (c->pages_exposed || is_loopback(c->local_address))
        entrance->pages = &view->pages;
    return 0;
}

void ss_entrance_close(struct ss_instance *instance)
{
    ss_names_free(instance->entrance.names);
    if (instance->view != NULL)
        (void)pthread_mutex_destroy(&instance->view->lock);
    free(instance->view);
    instance->view = NULL;
    instance->entrance = (struct ss_entrance){.names = NULL};
}
