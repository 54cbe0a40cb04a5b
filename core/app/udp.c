/* SPDX-License-Identifier: Apache-2.0 */
#include "app/udp.h"

#include "app/access.h"
#include "app/listening.h"
#include "app/plugin.h"
#include "app/upstreams.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SERVER_MAX = 512, /* associations, as in shadowsocks-libev */
    CLIENT_MAX = 256,
    WHY_MAX = 512
};

bool ss_udp_served(const struct ss_instance *i)
{
    return i->upstreams != NULL
               ? i->conf->mode != SSP_TCP_ONLY && ss_upstreams_take_packets(i->upstreams)
               : ss_udp_wanted(i->conf);
}

static bool client_plan(const void *arg, const struct ssp__plan_query *query,
                        struct ssp__plan *plan)
{
    const struct ss_instance *instance = arg;
    unsigned failed;
    enum ss_way way = ss_access_plan(instance, query, plan, &failed);
    if (way != SS_WAY_SERVER)
        return way == SS_WAY_DIRECT;
    plan->permit = instance->permit_server;
    return failed == 0 && ss_upstreams_plan_packet(instance->upstreams, query, plan);
}

/* The same service as for TCP, except that the accepted side is packets. */
static void fill_service(struct ss_instance *instance, unsigned listens)
{
    const struct ss_conf *c = instance->conf;
    struct ssp__service *service = &instance->udp_service;
    *service = instance->service;
    bool client = service->role == SSP_CLIENT, hop = ss_plugin_has_udp(c);
    bool redirects = service->accepted.intercept != SSP_NO_INTERCEPT;
    if (instance->upstreams != NULL) {
        service->plan = client_plan;
        service->plan_arg = instance;
        ss_upstreams_serve_packets(instance->upstreams, service);
    } else {
        service->packets = instance->keys->keys.method->packets;
        service->packets_conf = instance->keys->keys.packets_conf;
    }
    if (!client)
        service->admit = instance->access != NULL && !hop ? ss_access_admit : NULL;
    service->limits.associations = c->udp_associations > 0 ? c->udp_associations
                                   : client                ? CLIENT_MAX
                                                           : SERVER_MAX;
    service->limits.idle_ms = (c->udp_timeout_s > 0 ? c->udp_timeout_s : c->timeout_s) * 1000;
    service->accepted =
        (struct ssp__socket_options){.reuse_port = c->reuse_port && (client || !hop),
                                     .intercept = redirects ? SSP_TPROXY : SSP_NO_INTERCEPT,
                                     .fwmark = service->accepted.fwmark,
                                     .v6only = c->ipv6_only || (!client && listens > 1),
                                     .mtu = client || hop ? 0 : c->mtu};
    service->dialed.mtu = c->mtu;
}

/* Returns the port, or -1. */
static int listen_at(struct ss_instance *instance, const struct ssp__endpoint *e, char *why)
{
    struct ss_activation *activation = &instance->process->activation;
    int fd = ss_activation_take(activation, SOCK_DGRAM, e);
    if (fd == -1)
        return ssp__udp_listen(instance->udp, e, why, WHY_MAX);
    do {
        if (ssp__udp_adopt(instance->udp, fd) == -1) {
            (void)snprintf(why, WHY_MAX, "cannot take over a socket: %s", strerror(errno));
            return -1;
        }
        fd = e->named ? ss_activation_take(activation, SOCK_DGRAM, e) : -1;
    } while (fd != -1);
    return e->port;
}

/* Returns 0, or -1 after a log line. */
static int listen_on(struct ss_instance *instance, struct ssp__endpoint *e, unsigned n,
                     const char *line)
{
    for (unsigned i = 0; i < n; i++) {
        char why[WHY_MAX];
        int port = listen_at(instance, &e[i], why);
        if (port == -1) {
            instance->no_port = true;
            ss_listening_failed(&e[i], n, SSP_UDP, why);
            return -1;
        }
        e[i].port = (uint16_t)port;
        ss_listening_log(line, &e[i], 1);
    }
    return 0;
}

static void announce(const struct ss_conf *c)
{
    ssp_info("UDP relay enabled");
    if (c->mode == SSP_UDP_ONLY)
        ssp_info("TCP relay disabled");
    if (ss_plugin_has_udp(c))
        ssp_info("UDP goes through the plugin \"%s\"", c->plugin);
    else if (c->plugin != NULL && c->mode == SSP_UDP_ONLY)
        ssp_info("plugin \"%s\" is not started: it carries TCP only (mode: udp_only)", c->plugin);
    else if (c->plugin != NULL)
        ssp_info("UDP bypasses the plugin \"%s\": it carries TCP only (plugin_udp: off stops "
                 "that)",
                 c->plugin);
}

int ss_udp_open(struct ss_instance *instance, struct ssp__endpoint *e, unsigned n, const char *line)
{
    const struct ss_conf *c = instance->conf;
    if (!ss_udp_served(instance)) {
        if (c->mode != SSP_TCP_ONLY)
            ssp_info("UDP is off: the plugin \"%s\" carries TCP only (plugin_udp: off)", c->plugin);
        return 0;
    }
    fill_service(instance, n);
    struct ssp__meter *meter = instance->relay.meter;
    instance->udp = ssp__udp_open(&(struct ssp__udp_conf){.program = &instance->process->program,
                                                          .service = &instance->udp_service,
                                                          .counters = &meter->counters,
                                                          .allowance = &meter->allowance,
                                                          .bucket = &meter->bucket});
    if (instance->udp == NULL) {
        ssp_error("udp: out of memory");
        return -1;
    }
    announce(c);
    if (instance->predecessor == NULL || instance->predecessor->udp == NULL)
        return listen_on(instance, e, n, line);
    if (ssp__udp_inherit(instance->udp, instance->predecessor->udp) == -1) {
        ssp_error("cannot take over a socket: %s", strerror(errno));
        return -1;
    }
    ss_listening_log(line, e, n);
    return 0;
}
