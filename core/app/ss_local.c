/* SPDX-License-Identifier: Apache-2.0 */
/* ss-local: SOCKS5 in front, dialed side coded, toward a server or its plugin. */
#include "app/app.h"
#include "base/log.h"
#include "proto/socks.h"

#include <string.h>

enum {
    GREET_MS = 60000,
    HOLD_MS = 10 /* for the first payload, so that it leaves in one segment with the header */
};

static void plugin_ready(void *arg)
{
    struct ss_app *app = arg;
    ssp_program_pause(&app->program, false);
}

/* The plugin is what we dial: the options for sockets to the outside are not for loopback. */
static int use_plugin(struct ss_app *app)
{
    ss_app_choose_hop(app);
    app->hop.port = ssp_host_free_port(app->hop.host);
    if (app->hop.port == 0) {
        ssp_error("failed to start the plugin: no free port on %s", app->hop.host);
        return -1;
    }
    app->service.endpoint = &app->hop;
    app->service.endpoints = 1;
    app->service.dialed = (struct ssp_socket_options){.fast_open = false};
    /* Until it listens, clients wait in the backlog. */
    ssp_program_pause(&app->program, true);
    return ss_app_start_plugin(app, SSP_CLIENT, plugin_ready);
}

static int serve(struct ss_app *app)
{
    struct ssp_service *service = &app->service;
    const struct ss_conf *c = &app->conf;
    struct ssp_endpoint local;
    service->coded = SSP_DIALED;
    service->role = SSP_CLIENT;
    service->front = &ss_socks_front;
    service->say_target = true;
    service->endpoint = c->server;
    service->endpoints = c->servers;
    service->limits.greet_ms = GREET_MS;
    service->limits.hold_ms = HOLD_MS;

    const char *host = c->local_address != NULL ? c->local_address : "127.0.0.1";
    if (ssp_endpoint_set(&local, host, c->local_port) == -1) {
        ssp_error("local_address %s: not an address", host);
        return -1;
    }
    if (ss_app_listen(app, &local, 1, "listening at") == -1 || ss_app_drop_privileges(app) == -1)
        return -1;
    return c->plugin != NULL ? use_plugin(app) : 0;
}

int main(int argc, char **argv)
{
    struct ss_app app;
    int status = ss_app_open(&app, SS_LOCAL, argc, argv);
    if (status != -1)
        return status;
    return serve(&app) == 0 ? ss_app_run(&app) : ss_app_fail(&app);
}
