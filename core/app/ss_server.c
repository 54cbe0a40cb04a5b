/* SPDX-License-Identifier: Apache-2.0 */
/* ss-server: accepted side coded, the target comes in the stream. */
#include "app/app.h"
#include "app/udp.h"
#include "crypto/key.h"
#include "net/lookup.h"
#include "proto/target.h"
#include <ssplugin/log.h>

enum { DEADLINE_MIN_S = 30, DEADLINE_SPAN_S = 60 };

/* An unauthenticated connection ends after a time that is the server's own: the same for every
 * probe of one server, another for the next server. */
static unsigned handshake_ms(const struct ss_app *app)
{
    static const uint8_t info[] = "shadowplug handshake deadline";
    const struct ss_span key = app->method->main_key(app->codec_conf);
    uint8_t byte[2] = {0, 0};
    if (app->conf.handshake_timeout_s > 0)
        return app->conf.handshake_timeout_s * 1000;
    (void)ss_hkdf_sha1(key, (struct ss_span){NULL, 0}, (struct ss_span){info, sizeof info - 1},
                       byte, sizeof byte);
    unsigned span_ms = DEADLINE_SPAN_S * 1000;
    return DEADLINE_MIN_S * 1000 + (unsigned)(byte[0] << 8 | byte[1]) % span_ms;
}

static bool plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    (void)arg;
    plan->endpoint = &query->target->endpoint;
    plan->endpoints = 1;
    return query->failed == 0 && query->occasion == SSP_ON_TARGET;
}

static int serve_tcp(struct ss_app *app)
{
    struct ssp__service *service = &app->service;
    service->coded = SSP_ACCEPTED;
    service->front = &ss_target_front;
    service->plan = plan;
    service->limits.greet_ms = handshake_ms(app);

    if (!ss_app_tcp_in_plugin(&app->conf)) {
        int port =
            ss_app_listen(app, app->conf.server, app->conf.servers, "tcp server listening at");
        return port == -1 ? -1 : 0;
    }
    /* What the user wants of public sockets is not for the hop between us and the plugin. */
    service->accepted = (struct ssp__socket_options){.fast_open = false};
    int port = ss_app_listen(app, &app->hop[0], 1, "tcp server listening at");
    app->hop[0].port = (uint16_t)port;
    return port == -1 ? -1 : 0;
}

/* Listening before the plugin starts: nobody else can take the hop's port in between.  UDP takes
 * the one that TCP got. */
static int serve(struct ss_app *app)
{
    const struct ss_conf *c = &app->conf;
    app->conf.servers = ssp__lookup_drop_absent(app->conf.server, app->conf.servers);
    ss_app_choose_hop(app, &app->hop[0]);
    if (c->mode != SSP_UDP_ONLY && serve_tcp(app) == -1)
        return -1;
    if (ss_udp_open(app, SS_SERVER) == -1)
        return -1;
    bool plugin = ss_app_tcp_in_plugin(c) || ss_app_udp_in_plugin(c);
    if (plugin && ss_app_start_server_plugin(app) == -1)
        return -1;
    return ss_app_drop_privileges(app);
}

int main(int argc, char **argv)
{
    struct ss_app app;
    int status;
    if (ss_app_open(&app, SS_SERVER, argc, argv, &status) == SSP_EXIT_WITH)
        return status;
    return serve(&app) == 0 ? ss_app_run(&app) : ss_app_fail(&app);
}
