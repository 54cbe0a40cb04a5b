/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - the plugins of a program: which, between what, and what their life means for ours. */
#include "app/app.h"
#include "host/environment.h"
#include "host/process/sandbox.h"
#include "host/report/mistaken.h"
#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 1024 };

bool ss_app_tcp_in_plugin(const struct ss_conf *c)
{
    return c->plugin != NULL && c->mode != SSP_UDP_ONLY && c->plugin_mode != SSP_UDP_ONLY;
}

bool ss_app_udp_in_plugin(const struct ss_conf *c)
{
    return c->plugin != NULL && c->mode != SSP_TCP_ONLY && c->plugin_mode != SSP_TCP_ONLY;
}

/* IPv6 only when every server is: a plugin that knows no IPv6 then has no use anyway.  The other
 * family where the machine has no such loopback address. */
void ss_app_choose_hop(struct ss_app *app, struct ssp__endpoint *hop)
{
    static const char *const loopback[] = {"127.0.0.1", "::1"};
    const struct ss_conf *c = &app->conf;
    struct ssp__address a, other;
    bool v6 = c->servers > 0;
    for (unsigned i = 0; i < c->servers; i++)
        v6 = v6 && ssp__endpoint_address(&c->server[i], &a) && a.u.any.sa_family == AF_INET6;
    bool swap = ssp__address_parse(&a, loopback[v6], 0) == 0 && !ssp__socket_is_here(&a) &&
                ssp__address_parse(&other, loopback[!v6], 0) == 0 && ssp__socket_is_here(&other);
    ssp__endpoint_set_address(hop, swap ? &other : &a);
}

static bool any_ready(const struct ss_app *app)
{
    for (unsigned i = 0; i < app->plugins; i++) {
        if (app->plugin[i].ready)
            return true;
    }
    return false;
}

/* Clients are accepted while there is somewhere to send them; else they wait in the backlog. */
static void set_ready(struct ss_plugin *plugin, bool ready)
{
    struct ss_app *app = plugin->app;
    plugin->ready = ready;
    if (app->service.role == SSP_CLIENT && ss_app_tcp_in_plugin(&app->conf))
        ssp__program_pause(&app->program, !any_ready(app));
}

static void plugin_ready(void *arg)
{
    struct ss_plugin *plugin = arg;
    struct ss_app *app = plugin->app;
    app->hop[plugin - app->plugin].port =
        app->service.role == SSP_CLIENT ? ssp_host_port(plugin->host) : app->hop[0].port;
    ssp_debug("plugin \"%s\" is ready", app->conf.plugin);
    set_ready(plugin, true);
    ss_app_ready(app);
}

/* A process that goes on trying has started. */
static void plugin_down(void *arg, const char *why)
{
    struct ss_plugin *plugin = arg;
    ssp_error("plugin service exit unexpectedly: %s; starting it again", why);
    set_ready(plugin, false);
    if (!ssp__daemon_ready(&plugin->app->daemon))
        ssp__program_stop(&plugin->app->program, SS_EXIT_FATAL);
}

static void plugin_died(void *arg, const char *why)
{
    struct ss_plugin *plugin = arg;
    ssp_error("plugin service exit unexpectedly: %s", why);
    ssp__program_stop(&plugin->app->program, SS_EXIT_FATAL);
}

static ssp_mode told_mode(const struct ss_conf *c)
{
    if (!ss_app_udp_in_plugin(c))
        return SSP_TCP_ONLY;
    return ss_app_tcp_in_plugin(c) ? SSP_TCP_AND_UDP : SSP_UDP_ONLY;
}

/* The hosts of n servers.  Several listen addresses are joined by '|', as shadowsocks-libev does.
 */
static const char *join_hosts(struct ss_app *app, const struct ssp__endpoint *server, unsigned n)
{
    char literal[SSP_HOST_MAX];
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(app->remote_hosts + len, sizeof app->remote_hosts - len, "%s%s",
                                i > 0 ? "|" : "", ssp__endpoint_host(&server[i], literal));
    return app->remote_hosts;
}

/* Its texts are valid until the next one is made. */
static ssp_host_conf host_conf(struct ss_app *app, ssp_role role, unsigned i)
{
    const struct ss_conf *c = &app->conf;
    bool client = role == SSP_CLIENT;
    const struct ssp__endpoint *server = &c->server[client ? i : 0];
    return (ssp_host_conf){.size = sizeof(ssp_host_conf),
                           .plugin = c->plugin,
                           .directory = c->plugin_dir,
                           .options = c->plugin_opts,
                           .role = role,
                           .remote_host = join_hosts(app, server, client ? 1 : c->servers),
                           .remote_port = server->port,
                           .local_host = ssp__endpoint_host(&app->hop[i], app->local_host),
                           .local_port = app->hop[i].port,
                           .ready_ms = c->plugin_ready_ms,
                           .grace_ms = c->plugin_grace_ms,
                           .restart = c->plugin_restart,
                           .sandbox = c->plugin_sandbox && SSP_SANDBOX_POSSIBLE,
                           .user = c->plugin_user != NULL ? c->plugin_user : c->user,
                           .on_ready = plugin_ready,
                           .on_down = plugin_down,
                           .on_death = plugin_died,
                           .mode = told_mode(c),
                           .writable = c->plugin_writable,
                           .arg = &app->plugin[i]};
}

static int start(struct ss_app *app, ssp_role role, unsigned i)
{
    char why[WHY_MAX];
    ssp_host_conf conf = host_conf(app, role, i);
    app->plugin[i] = (struct ss_plugin){.app = app};
    app->plugins = i + 1;
    app->plugin[i].host = ssp_host_start(app->program.loop, &conf, why, sizeof why);
    if (app->plugin[i].host != NULL)
        return 0;
    ssp_error("failed to start the plugin: %s", why);
    return -1;
}

static void announce(const struct ss_app *app)
{
    const struct ss_conf *c = &app->conf;
    ssp_info("plugin \"%.*s\" enabled", (int)ssp__mistaken_options(c->plugin), c->plugin);
    if (c->mode != SSP_UDP_ONLY && c->plugin_mode == SSP_UDP_ONLY)
        ssp_info("TCP goes around the plugin \"%s\" (plugin_mode: udp_only)", c->plugin);
}

int ss_app_start_server_plugin(struct ss_app *app)
{
    announce(app);
    return start(app, SSP_SERVER, 0);
}

/* The plugin is what we dial: the options for sockets to the outside are not for loopback. */
int ss_app_start_client_plugins(struct ss_app *app)
{
    bool tcp = ss_app_tcp_in_plugin(&app->conf);
    announce(app);
    if (tcp) {
        app->service.dialed = (struct ssp__socket_options){.fast_open = false};
        ssp__program_pause(&app->program, true);
    }
    /* UDP goes to the first server only. */
    for (unsigned i = 0; i < (tcp ? app->conf.servers : 1); i++) {
        ss_app_choose_hop(app, &app->hop[i]);
        if (start(app, SSP_CLIENT, i) == -1)
            return -1;
    }
    return 0;
}

int ss_app_print_plugin_env(struct ss_app *app, ssp_role role)
{
    if (app->conf.plugin == NULL) {
        ssp_error("print the environment of a plugin: no plugin is configured");
        return SS_EXIT_USAGE;
    }
    ss_app_choose_hop(app, &app->hop[0]);
    ssp_host_conf conf = host_conf(app, role, 0);
    char **env = ssp__host_environment(&conf);
    for (char **e = env; e != NULL && *e != NULL; e++)
        puts(*e);
    ssp__host_environment_free(env);
    return env != NULL ? SS_EXIT_OK : SS_EXIT_FATAL;
}
