/* SPDX-License-Identifier: Apache-2.0 */
#include "app/plugin.h"

#include "conf/complain.h"
#include "host/environment.h"
#include "host/liveness.h"
#include "host/process/sandbox.h"
#include "host/report/mistaken.h"

#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 1024 };

bool ss_plugin_has_tcp(const struct ss_conf *c)
{
    return c->plugin != NULL && c->mode != SSP_UDP_ONLY && c->plugin_mode != SSP_UDP_ONLY;
}

bool ss_plugin_has_udp(const struct ss_conf *c)
{
    return c->plugin != NULL && c->mode != SSP_TCP_ONLY && c->plugin_mode != SSP_TCP_ONLY;
}

/* The hop is IPv6 only when every server is, since a plugin without IPv6 could not reach those
 * anyway.  A machine without that loopback address gets the other family. */
void ss_plugin_choose_hop(const struct ss_conf *c, struct ssp__endpoint *hop)
{
    static const char *const loopback[] = {"127.0.0.1", "::1"};
    struct ssp__address a, other;
    bool v6 = c->servers > 0;
    for (unsigned i = 0; i < c->servers; i++)
        v6 = v6 && ssp__endpoint_address(&c->server[i], &a) && a.u.any.sa_family == AF_INET6;
    bool swap = ssp__address_parse(&a, loopback[v6], 0) == 0 && !ssp__socket_is_here(&a) &&
                ssp__address_parse(&other, loopback[!v6], 0) == 0 && ssp__socket_is_here(&other);
    ssp__endpoint_set_address(hop, swap ? &other : &a);
}

static bool any_ready(const struct ss_instance *instance)
{
    for (unsigned i = 0; i < instance->plugins; i++) {
        if (instance->plugin[i].ready)
            return true;
    }
    return false;
}

/* Accepts clients while a plugin is ready; else they wait in the backlog. */
static void set_ready(struct ss_plugin *plugin, bool ready)
{
    struct ss_instance *instance = plugin->instance;
    plugin->ready = ready;
    if (instance->service.role == SSP_CLIENT && ss_plugin_has_tcp(instance->conf))
        ssp__instance_pause(&instance->relay, !any_ready(instance));
}

static void plugin_ready(void *arg)
{
    struct ss_plugin *plugin = arg;
    struct ss_instance *instance = plugin->instance;
    instance->hop[plugin - instance->plugin].port =
        instance->service.role == SSP_CLIENT ? ssp_host_port(plugin->host) : instance->hop[0].port;
    ssp_debug("plugin \"%s\" is ready", instance->conf->plugin);
    set_ready(plugin, true);
    ss_instance_ready(instance);
}

/* On a client the port says which plugin it is; an earlier one had another. */
static enum ssp__liveness plugin_liveness(const void *arg, uint16_t port)
{
    const struct ss_instance *instance = arg;
    for (unsigned i = 0; i < instance->plugins; i++) {
        const struct ss_plugin *plugin = &instance->plugin[i];
        if (instance->service.role == SSP_SERVER || instance->hop[i].port == port)
            return plugin->host != NULL ? ssp__host_liveness(plugin->host) : SSP_DEAD;
    }
    return SSP_DEAD;
}

/* With plugin_restart the program has started even while a plugin fails. */
static void plugin_down(void *arg, const char *why)
{
    struct ss_plugin *plugin = arg;
    ssp_error("plugin service exit unexpectedly: %s; starting it again", why);
    set_ready(plugin, false);
    ssp__sessions_note_death(&plugin->instance->relay);
    ss_instance_started(plugin->instance);
}

static void plugin_died(void *arg, const char *why)
{
    struct ss_plugin *plugin = arg;
    ssp_error("plugin service exit unexpectedly: %s", why);
    ss_instance_fail(plugin->instance);
}

static ssp_mode told_mode(const struct ss_conf *c)
{
    if (!ss_plugin_has_udp(c))
        return SSP_TCP_ONLY;
    return ss_plugin_has_tcp(c) ? SSP_TCP_AND_UDP : SSP_UDP_ONLY;
}

/* The hosts of n servers.  Several listen addresses are joined by '|', as shadowsocks-libev does.
 */
static const char *join_hosts(struct ss_instance *instance, const struct ssp__endpoint *server,
                              unsigned n)
{
    char literal[SSP_HOST_MAX];
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(instance->remote_hosts + len, sizeof instance->remote_hosts - len,
                                "%s%s", i > 0 ? "|" : "", ssp__endpoint_host(&server[i], literal));
    return instance->remote_hosts;
}

/* A prober must not see two deadlines, that of the plugin and that of the server behind it. */
static const char *const *variables(struct ss_instance *instance, ssp_role role)
{
    unsigned ms = instance->service.limits.greet_ms;
    if (role == SSP_CLIENT || ms == 0)
        return NULL;
    (void)snprintf(instance->handshake_limit, sizeof instance->handshake_limit,
                   "SS_PLUGIN_HANDSHAKE_MS=%u", ms);
    instance->plugin_variables[0] = instance->handshake_limit;
    return instance->plugin_variables;
}

/* The file has the password. */
static const char *const *hide(struct ss_instance *instance)
{
    instance->hidden[0] = instance->conf->path;
    return instance->hidden;
}

/* Its texts are valid until the next one is made. */
static ssp_host_conf host_conf(struct ss_instance *instance, ssp_role role, unsigned i)
{
    const struct ss_conf *c = instance->conf;
    bool client = role == SSP_CLIENT;
    const struct ssp__endpoint *server = &c->server[client ? i : 0];
    return (ssp_host_conf){.size = sizeof(ssp_host_conf),
                           .plugin = c->plugin,
                           .directory = c->plugin_dir,
                           .options = c->plugin_opts,
                           .variables = variables(instance, role),
                           .role = role,
                           .remote_host = join_hosts(instance, server, client ? 1 : c->servers),
                           .remote_port = server->port,
                           .local_host =
                               ssp__endpoint_host(&instance->hop[i], instance->local_host),
                           .local_port = instance->hop[i].port,
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
                           .hidden = hide(instance),
                           .ports = c->plugin_ports,
                           .exposed = c->plugin_exposed,
                           .arg = &instance->plugin[i]};
}

static int start(struct ss_instance *instance, ssp_role role, unsigned i)
{
    char why[WHY_MAX];
    ssp_host_conf conf = host_conf(instance, role, i);
    instance->plugin[i] = (struct ss_plugin){.instance = instance};
    instance->plugins = i + 1;
    if (ss_plugin_has_tcp(instance->conf)) {
        instance->service.liveness = plugin_liveness;
        instance->service.liveness_arg = instance;
    }
    instance->plugin[i].host =
        ssp_host_start(instance->process->program.loop, &conf, why, sizeof why);
    if (instance->plugin[i].host != NULL)
        return 0;
    ssp_error("failed to start the plugin: %s", why);
    return -1;
}

static void announce(const struct ss_conf *c)
{
    ssp_info("plugin \"%.*s\" enabled", (int)ssp__mistaken_options(c->plugin), c->plugin);
    if (c->mode != SSP_UDP_ONLY && c->plugin_mode == SSP_UDP_ONLY)
        ssp_info("TCP bypasses the plugin \"%s\" (plugin_mode: udp_only)", c->plugin);
}

static bool wanted(const struct ss_conf *c)
{
    return ss_plugin_has_tcp(c) || ss_plugin_has_udp(c);
}

int ss_plugin_start_server(struct ss_instance *instance)
{
    if (!wanted(instance->conf))
        return 0;
    announce(instance->conf);
    return start(instance, SSP_SERVER, 0);
}

/* The program dials the plugin on loopback, where the options for outgoing sockets do not apply. */
int ss_plugin_start_clients(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    bool tcp = ss_plugin_has_tcp(c);
    if (!wanted(c))
        return 0;
    announce(c);
    if (tcp) {
        instance->service.dialed = (struct ssp__socket_options){.fast_open = false};
        ssp__instance_pause(&instance->relay, true);
    }
    /* UDP goes to the first server only. */
    for (unsigned i = 0; i < (tcp ? c->servers : 1); i++) {
        ss_plugin_choose_hop(c, &instance->hop[i]);
        if (start(instance, SSP_CLIENT, i) == -1)
            return -1;
    }
    return 0;
}

static int print_env(enum ss_program program, struct ss_conf *c)
{
    struct ss_instance instance = {.conf = c, .program = program};
    char why[SS_WHY_MAX];
    bool server = ss_programs[program].role == SSP_SERVER;
    if (server && ss_instance_read_key(&instance, why) == 0)
        instance.service.limits.greet_ms = ss_instance_handshake_ms(&instance);
    ss_instance_forget_key(&instance);
    ss_plugin_choose_hop(c, &instance.hop[0]);
    ssp_host_conf conf = host_conf(&instance, ss_programs[program].role, 0);
    char **env = ssp__host_environment(&conf, NULL);
    for (char **e = env; e != NULL && *e != NULL; e++)
        puts(*e);
    ssp__host_environment_free(env);
    return env != NULL ? SS_EXIT_OK : SS_EXIT_FATAL;
}

int ss_plugin_print_env(enum ss_program program, struct ss_conf *c)
{
    size_t n = c->apart ? c->instances : 1, printed = 0;
    int status = SS_EXIT_OK;
    for (size_t i = 0; i < n && status == SS_EXIT_OK; i++) {
        struct ss_conf *one = c->apart ? &c->instance[i] : c;
        if (one->plugin == NULL)
            continue;
        if (printed++ > 0)
            puts("");
        status = print_env(program, one);
    }
    if (printed > 0)
        return status;
    ss_complain(&(struct ss_origin){.program = program},
                "no plugin is configured, so that there "
                "is no environment to print (expected --plugin <command>)");
    return SS_EXIT_USAGE;
}
