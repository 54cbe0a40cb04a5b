/* SPDX-License-Identifier: Apache-2.0 */
#include "app/udp.h"

#include "proto/socks.h"
#include "proto/target.h"
#include <ssplugin/log.h>

#include <stdlib.h>

enum {
    SERVER_MAX = 512, /* associations, as shadowsocks-libev has */
    LOCAL_MAX = 256,
    WHY_MAX = 512
};

bool ss_udp_wanted(const struct ss_conf *c)
{
    bool around = c->plugin != NULL && !ss_app_udp_in_plugin(c);
    return c->mode != SSP_TCP_ONLY && !(around && c->plugin_udp_off);
}

/* The same service as for TCP, but for what it accepts, and whom it dials: the first server only,
 * or the plugin that stands for it. */
static void fill_service(struct ss_app *app, enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    struct ssp__service *service = &app->udp_service;
    bool client = program == SS_LOCAL, hop = ss_app_udp_in_plugin(c);
    if (hop && client)
        ss_app_choose_hop(app, &app->hop[0]);
    *service = app->service;
    service->packets = app->method->packets;
    service->packets_conf = app->packets_conf;
    service->packet_front = client ? &ss_socks_packet_front : &ss_target_packet_front;
    service->coded = client ? SSP_DIALED : SSP_ACCEPTED;
    service->role = client ? SSP_CLIENT : SSP_SERVER;
    service->endpoint = !client ? NULL : hop ? &app->hop[0] : &c->server[0];
    service->endpoints = client ? 1 : 0;
    service->limits.associations = client ? LOCAL_MAX : SERVER_MAX;
    service->limits.idle_ms = c->timeout_s * 1000;
    service->accepted = (struct ssp__socket_options){
        .reuse_port = c->reuse_port && (client || !hop), .v6only = !client && c->servers > 1};
}

/* Returns the port, or -1 after a log line. */
static int listen_on(struct ss_app *app, const struct ssp__endpoint *e, unsigned n,
                     const char *line)
{
    char why[WHY_MAX], text[SSP_HOST_MAX + 8];
    int port = ssp__udp_listen(app->udp, e, why, sizeof why);
    if (port == -1) {
        ss_app_cannot_listen(e, n, SSP_UDP, why);
        return -1;
    }
    struct ssp__endpoint bound = *e;
    bound.port = (uint16_t)port;
    ssp__endpoint_format(&bound, text, sizeof text);
    ssp_info("%s %s", line, text);
    return port;
}

static int listen_all(struct ss_app *app, enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    struct ssp__endpoint local;
    if (program == SS_LOCAL) {
        if (ssp__endpoint_set(&local, c->local_address, c->local_port) == -1)
            return -1;
        return listen_on(app, &local, 1, "udp listening at") == -1 ? -1 : 0;
    }
    if (ss_app_udp_in_plugin(c)) {
        int port = listen_on(app, &app->hop[0], 1, "udp server listening at");
        app->hop[0].port = (uint16_t)port;
        return port == -1 ? -1 : 0;
    }
    for (unsigned i = 0; i < c->servers; i++) {
        if (listen_on(app, &c->server[i], c->servers, "udp server listening at") == -1)
            return -1;
    }
    return 0;
}

static void announce(const struct ss_conf *c)
{
    ssp_info("UDP relay enabled");
    if (c->mode == SSP_UDP_ONLY)
        ssp_info("TCP relay disabled");
    if (ss_app_udp_in_plugin(c))
        ssp_info("UDP goes through the plugin \"%s\"", c->plugin);
    else if (c->plugin != NULL && c->mode == SSP_UDP_ONLY)
        ssp_info("plugin \"%s\" is not started: it carries TCP only (mode: udp_only)", c->plugin);
    else if (c->plugin != NULL)
        ssp_info("UDP goes around the plugin \"%s\": it carries TCP only (plugin_udp: off stops "
                 "that)",
                 c->plugin);
}

int ss_udp_open(struct ss_app *app, enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    if (!ss_udp_wanted(c)) {
        if (c->mode != SSP_TCP_ONLY)
            ssp_info("UDP is off: the plugin \"%s\" carries TCP only (plugin_udp: off)", c->plugin);
        return 0;
    }
    fill_service(app, program);
    app->udp = ssp__udp_open(
        &(struct ssp__udp_conf){.program = &app->program, .service = &app->udp_service});
    if (app->udp == NULL) {
        ssp_error("udp: out of memory");
        return -1;
    }
    announce(c);
    return listen_all(app, program);
}
