/* SPDX-License-Identifier: Apache-2.0 */
/* ss-local: SOCKS5 in front, dialed side coded, toward a server or its plugin; UDP beside it. */
#include "app/app.h"
#include "app/udp.h"
#include <ssplugin/log.h>

enum {
    GREET_MS = 60000,
    HOLD_MS = 10 /* for the first payload, so that it leaves in one segment with the header */
};

static bool plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct ss_app *app = arg;
    plan->endpoint = ss_app_tcp_in_plugin(&app->conf) ? app->hop : app->conf.server;
    plan->endpoints = app->conf.servers;
    plan->say_target = true;
    return query->failed == 0;
}

static int serve(struct ss_app *app)
{
    struct ssp__service *service = &app->service;
    const struct ss_conf *c = &app->conf;
    struct ssp__endpoint local;
    service->coded = SSP_DIALED;
    app->socks = (struct ss_socks_conf){.udp = ss_udp_wanted(c)};
    service->front = &ss_socks_front;
    service->front_conf = &app->socks;
    service->plan = plan;
    service->plan_arg = app;
    service->limits.greet_ms = GREET_MS;
    service->limits.hold_ms = HOLD_MS;

    if (ssp__endpoint_set(&local, c->local_address, c->local_port) == -1) {
        ssp_error("local_address %s: not an address", c->local_address);
        return -1;
    }
    bool tcp = c->mode != SSP_UDP_ONLY;
    if (tcp && ss_app_listen(app, &local, 1, "listening at") == -1)
        return -1;
    if (ss_udp_open(app, SS_LOCAL) == -1)
        return -1;
    bool plugin = ss_app_tcp_in_plugin(c) || ss_app_udp_in_plugin(c);
    if (plugin && ss_app_start_client_plugins(app) == -1)
        return -1;
    return ss_app_drop_privileges(app);
}

int main(int argc, char **argv)
{
    struct ss_app app;
    int status;
    if (ss_app_open(&app, SS_LOCAL, argc, argv, &status) == SSP_EXIT_WITH)
        return status;
    return serve(&app) == 0 ? ss_app_run(&app) : ss_app_fail(&app);
}
