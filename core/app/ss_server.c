/* SPDX-License-Identifier: Apache-2.0 */
/* ss-server: accepted side coded, the target comes in the stream. */
#include "app/access.h"
#include "app/balancers.h"
#include "app/outbound.h"
#include "app/plugin.h"
#include "app/programs.h"
#include "app/report.h"
#include "app/udp.h"
#include "proto/target.h"
#include <ssplugin/log.h>

#include <limits.h>
#include <stdlib.h>

/* Sessions of earlier settings run through the same plugin. */
static void note_death(const struct ss_instance *instance)
{
    for (struct ss_instance *i = instance->process->retired; i != NULL; i = i->sibling) {
        if (i->successor == instance)
            ssp__sessions_note_death(&i->relay);
    }
}

/* The process waits for the end of all sessions itself. */
static void left(void *arg)
{
    (void)arg;
}

static void plugin_event(void *arg, enum ss_plugin_event event)
{
    struct ss_instance *instance = arg;
    if (event == SS_PLUGIN_LEFT) {
        ssp__instance_drain(&instance->relay, UINT_MAX, left, instance);
        return;
    }
    if (event != SS_PLUGIN_READY)
        note_death(instance);
    if (event == SS_PLUGIN_READY)
        ss_instance_ready(instance);
    else if (event == SS_PLUGIN_DIED)
        ss_instance_fail(instance);
    else {
        ssp__sessions_note_death(&instance->relay);
        ss_instance_started(instance);
    }
}

static enum ssp__liveness plugin_liveness(const void *arg, uint16_t port)
{
    (void)port;
    return ss_plugin_liveness(arg);
}

static int start_plugin(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    const struct ssp__endpoint hop = instance->plugin->hop;
    /* One that carries UDP listens for both with the same process, and UDP is not shared. */
    bool shares = ss_plugin_has_tcp(c) && !ss_plugin_has_udp(c);
    ss_plugin_announce(c);
    instance->plugin->on_event = plugin_event;
    instance->plugin->arg = instance;
    if (shares && ss_shared_port_open(&instance->plugin->shared, instance->process, c) == -1)
        return -1;
    return ss_plugin_start(
        instance->plugin, instance->process->program.loop,
        &(struct ss_plugin_order){.conf = c,
                                  .role = SSP_SERVER,
                                  .server = c->server,
                                  .servers = c->servers,
                                  .hop = &hop,
                                  .handshake_ms = instance->service.limits.greet_ms,
                                  .shared = &instance->plugin->shared});
}

/* A plugin that runs goes on, and so does its deadline, which it was told.  NULL when memory is
 * out.
 */
static struct ssp__endpoint *prepare_hop(struct ss_instance *instance)
{
    const struct ss_instance *former = instance->predecessor;
    struct ssp__service *service = &instance->service;
    if (former != NULL) {
        service->limits.greet_ms = former->service.limits.greet_ms;
        instance->plugin = former->plugin;
    } else {
        instance->plugin = calloc(1, sizeof *instance->plugin);
    }
    if (instance->plugin == NULL) {
        ssp_error("plugin: out of memory");
        return NULL;
    }
    if (former == NULL)
        ss_plugin_choose_hop(instance->conf, &instance->plugin->hop);
    if (ss_plugin_has_tcp(instance->conf)) {
        service->liveness = plugin_liveness;
        service->liveness_arg = instance->plugin;
    }
    return &instance->plugin->hop;
}

void ss_server_take_plugin(struct ss_instance *instance, struct ss_instance *former)
{
    former->plugin = NULL;
    if (instance->plugin == NULL)
        return;
    instance->plugin->arg = instance;
    instance->plugin->conf = instance->conf;
}

/* Sockets that are inherited have the options that they were opened with. */
static int judge_sockets(const struct ss_instance *instance)
{
    const struct ss_instance *former = instance->predecessor;
    const struct ssp__socket_options *now = &instance->service.accepted;
    if (former == NULL || former->relay.listening == NULL || ss_plugin_runs(instance->conf))
        return 0;
    const struct ssp__socket_options *old = &former->service.accepted;
    const char *option = now->fast_open != old->fast_open ? "fast-open"
                         : now->mptcp != old->mptcp       ? "mptcp"
                                                          : NULL;
    if (option == NULL)
        return 0;
    ssp_error("plugin_opts: %s belongs to the socket that listens: restart the program, or remove "
              "the port and add it again",
              option);
    return -1;
}

/* The codec of a plugin that is no process is that of the service. */
static int stack_plugin(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    struct ssp__service *service = &instance->service;
    if (ss_plugin_stack(&instance->inlined, c, SSP_SERVER, &instance->keys->keys) == -1)
        return -1;
    const struct ss_inline *inlined = instance->inlined;
    if (inlined == NULL)
        return 0;
    ss_plugin_announce(c);
    service->codec = ss_inline_codec(inlined);
    service->conf = ss_inline_conf(inlined);
    service->accepted.fast_open = service->accepted.fast_open || ss_inline_fast_open(inlined);
    service->accepted.mptcp = service->accepted.mptcp || ss_inline_mptcp(inlined);
    const char *fallback = ss_inline_fallback(inlined);
    instance->falls_back = fallback != NULL;
    if (fallback == NULL)
        return 0;
    if (ssp__endpoint_parse(&instance->fallback, fallback, 0) == 0 &&
        !ssp__lookup_leads_back(c->server, c->servers, &instance->fallback))
        return 0;
    ssp_error("plugin %s: fallback %s is no address, or that of this server (expected host:port "
              "of the web server behind it)",
              c->plugin, fallback);
    return -1;
}

static int prepare_codec(struct ss_instance *instance)
{
    return stack_plugin(instance) == 0 ? judge_sockets(instance) : -1;
}

/* A hop has one peer for all clients, the plugin, unless that says whom it speaks for. */
static void admit(struct ss_instance *instance, bool tcp_hop)
{
    struct ssp__service *service = &instance->service;
    bool alike = tcp_hop && service->preface == NULL;
    if (instance->access != NULL && !alike)
        service->admit = ss_access_admit;
    else if (instance->access != NULL && ss_acl_refuses_clients(ss_access_list(instance)))
        ssp_info("acl %s: its rules for clients do not apply to TCP, which comes from the plugin",
                 instance->conf->acl);
    if (!tcp_hop)
        return;
    service->accepted = (struct ssp__socket_options){.fast_open = false};
    if (alike)
        service->limits.greeting_per_source = 0;
}

/* hop: where the plugin finds it, NULL: it has none. */
static int listen_all(struct ss_instance *instance, struct ssp__endpoint *hop)
{
    struct ss_conf *c = instance->conf;
    bool tcp_hop = ss_plugin_has_tcp(c), udp_hop = ss_plugin_has_udp(c);
    if (c->mode != SSP_UDP_ONLY &&
        ss_instance_listen(instance, tcp_hop ? hop : c->server, tcp_hop ? 1 : c->servers,
                           "tcp server listening at") == -1)
        return -1;
    return ss_udp_open(instance, udp_hop ? hop : c->server, udp_hop ? 1 : c->servers,
                       "udp server listening at");
}

/* With a plugin it listens at the hop before the plugin starts, so that no other process can take
 * that port.  UDP uses the port that TCP got.  Options for public sockets do not apply to the hop.
 */
int ss_server_serve(struct ss_instance *instance)
{
    struct ss_conf *c = instance->conf;
    struct ssp__service *service = &instance->service;
    service->front = &ss_target_front;
    service->packet_front = &ss_target_packet_front;
    service->plan = ss_outbound_plan;
    service->plan_arg = instance;
    service->codec = instance->keys->keys.method->codec;
    service->conf = instance->keys->keys.codec_conf;
    service->limits.greet_ms = ss_keys_handshake_ms(&instance->keys->keys, c);
    c->servers = ssp__lookup_drop_absent(c->server, c->servers);
    if (prepare_codec(instance) == -1)
        return -1;

    struct ssp__endpoint *hop = NULL;
    if ((ss_plugin_has_tcp(c) || ss_plugin_has_udp(c)) && (hop = prepare_hop(instance)) == NULL)
        return -1;
    if (ss_balancers_open(instance, ss_plugin_has_tcp(c)) == -1)
        return -1;
    admit(instance, ss_plugin_has_tcp(c));
    if (listen_all(instance, hop) == -1)
        return -1;
    if (c->manager_address != NULL && ss_report_open(instance) == -1)
        return -1;
    return hop != NULL && instance->predecessor == NULL ? start_plugin(instance) : 0;
}
