/* SPDX-License-Identifier: Apache-2.0 */
#include "app/plugin.h"

#include "app/keys.h"
#include "conf/complain.h"
#include "host/environment.h"
#include "host/liveness.h"
#include "host/process/sandbox.h"
#include "host/report/mistaken.h"

#include <ssplugin/log.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 1024, LIMIT_MAX = 40, PORT_TEXT = 8, HOSTS_MAX = SS_SERVERS_MAX * SSP_HOST_MAX };

/* Texts of an order. */
struct texts {
    char remote_hosts[HOSTS_MAX];
    char local_host[SSP_HOST_MAX];
    char handshake_limit[LIMIT_MAX];
    const char *variables[2];
    const char *hidden[2];
};

/* The part that the plugin of conf carries; false for none of it. */
static bool carries_tcp(const struct ss_conf *c)
{
    return c->plugin != NULL && c->mode != SSP_UDP_ONLY && c->plugin_mode != SSP_UDP_ONLY;
}

static bool carries_udp(const struct ss_conf *c)
{
    return c->plugin != NULL && c->mode != SSP_TCP_ONLY && c->plugin_mode != SSP_TCP_ONLY;
}

bool ss_plugin_has_tcp(const struct ss_conf *c)
{
    return carries_tcp(c) && ss_plugin_inside(c->plugin) == NULL;
}

bool ss_plugin_has_udp(const struct ss_conf *c)
{
    return carries_udp(c) && ss_plugin_inside(c->plugin) == NULL;
}

bool ss_plugin_runs(const struct ss_conf *c)
{
    return ss_plugin_has_tcp(c) || ss_plugin_has_udp(c);
}

bool ss_udp_wanted(const struct ss_conf *c)
{
    bool around = c->plugin != NULL && !ss_plugin_has_udp(c);
    return c->mode != SSP_TCP_ONLY && !(around && c->plugin_udp_off);
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

/* ---- its life ---- */

static void plugin_ready(void *arg)
{
    struct ss_plugin *p = arg;
    if (p->role == SSP_CLIENT)
        p->hop.port = ssp_host_port(p->host);
    ssp_debug("plugin \"%s\" is ready", p->conf->plugin);
    p->ready = true;
    p->on_event(p->arg, SS_PLUGIN_READY);
}

/* The rows of a STATS line. */
static const struct {
    const char *key;
    size_t offset;
} stats_rows[] = {
    {"conns=", offsetof(struct ss_plugin_stats, connections)},
    {"live=", offsetof(struct ss_plugin_stats, live)},
    {"up=", offsetof(struct ss_plugin_stats, up)},
    {"down=", offsetof(struct ss_plugin_stats, down)},
    {"foreign=", offsetof(struct ss_plugin_stats, foreign)},
    {"fail=", offsetof(struct ss_plugin_stats, failed)},
    {"wire-up=", offsetof(struct ss_plugin_stats, wire_up)},
    {"wire-down=", offsetof(struct ss_plugin_stats, wire_down)},
};
enum { STATS_ROWS = sizeof stats_rows / sizeof *stats_rows };

static uint64_t *stats_value(struct ss_plugin_stats *stats, size_t row)
{
    return (uint64_t *)(void *)((char *)stats + stats_rows[row].offset);
}

static void plugin_told(void *arg, const char *key, const char *value)
{
    struct ss_plugin *p = arg;
    if (strcmp(key, "STATS") != 0)
        return;
    p->counts = true;
    for (const char *word = value; *word != '\0'; word += strspn(word, " ")) {
        for (size_t i = 0; i < STATS_ROWS; i++) {
            size_t n = strlen(stats_rows[i].key);
            if (strncmp(word, stats_rows[i].key, n) == 0)
                *stats_value(&p->told, i) = strtoull(word + n, NULL, 10);
        }
        word += strcspn(word, " ");
    }
}

struct ss_plugin_stats ss_plugin_stats(const struct ss_plugin *p)
{
    struct ss_plugin_stats sum = p->told, former = p->former;
    for (size_t i = 0; i < STATS_ROWS; i++)
        *stats_value(&sum, i) += *stats_value(&former, i);
    return sum;
}

/* Its connections have ended with it. */
static void keep_stats(struct ss_plugin *p)
{
    p->told.live = 0;
    p->former = ss_plugin_stats(p);
    p->told = (struct ss_plugin_stats){.live = 0};
}

/* With plugin_restart the program has started even while a plugin fails. */
static void plugin_down(void *arg, const char *why)
{
    struct ss_plugin *p = arg;
    ssp_error("plugin service exit unexpectedly: %s; starting it again", why);
    p->ready = false;
    keep_stats(p);
    p->restarts++;
    p->on_event(p->arg, SS_PLUGIN_DOWN);
}

static void plugin_died(void *arg, const char *why)
{
    struct ss_plugin *p = arg;
    p->ready = false;
    if (p->leaves && ssp_host_exit_status(p->host) == 0) {
        ssp_info("plugin \"%s\" has ended with its last connection", p->conf->plugin);
        p->on_event(p->arg, SS_PLUGIN_LEFT);
        return;
    }
    ssp_error("plugin service exit unexpectedly: %s", why);
    p->on_event(p->arg, SS_PLUGIN_DIED);
}

enum ssp__liveness ss_plugin_liveness(const struct ss_plugin *p)
{
    return p->host != NULL ? ssp__host_liveness(p->host) : SSP_DEAD;
}

/* ---- its start ---- */

static ssp_mode told_mode(const struct ss_conf *c)
{
    if (!carries_udp(c))
        return SSP_TCP_ONLY;
    return carries_tcp(c) ? SSP_TCP_AND_UDP : SSP_UDP_ONLY;
}

/* Several listen addresses are joined by '|', as shadowsocks-libev does. */
static const char *join_hosts(char text[HOSTS_MAX], const struct ssp__endpoint *server,
                              unsigned servers)
{
    char literal[SSP_HOST_MAX];
    size_t len = 0;
    for (unsigned i = 0; i < servers; i++)
        len += (size_t)snprintf(text + len, HOSTS_MAX - len, "%s%s", i > 0 ? "|" : "",
                                ssp__endpoint_host(&server[i], literal));
    return text;
}

/* A prober must not see two deadlines, that of the plugin and that of the server behind it. */
static const char *const *variables(struct texts *t, const struct ss_plugin_order *o)
{
    if (o->role == SSP_CLIENT || o->handshake_ms == 0)
        return NULL;
    (void)snprintf(t->handshake_limit, sizeof t->handshake_limit, "SS_PLUGIN_HANDSHAKE_MS=%u",
                   o->handshake_ms);
    t->variables[0] = t->handshake_limit;
    return t->variables;
}

/* The file has the password. */
static const char *const *hide(struct texts *t, const struct ss_conf *c)
{
    t->hidden[0] = c->path;
    return t->hidden;
}

static ssp_host_conf host_conf(struct texts *t, const struct ss_plugin_order *o)
{
    const struct ss_conf *c = o->conf;
    *t = (struct texts){.hidden = {NULL}};
    return (ssp_host_conf){.size = sizeof(ssp_host_conf),
                           .plugin = c->plugin,
                           .directory = c->plugin_dir,
                           .options = c->plugin_opts,
                           .variables = variables(t, o),
                           .role = o->role,
                           .remote_host = join_hosts(t->remote_hosts, o->server, o->servers),
                           .remote_port = o->server->port,
                           .local_host = ssp__endpoint_host(o->hop, t->local_host),
                           .local_port = o->hop->port,
                           .ready_ms = c->plugin_ready_ms,
                           .grace_ms = c->plugin_grace_ms,
                           .restart = c->plugin_restart,
                           .sandbox = c->plugin_sandbox && SSP_SANDBOX_POSSIBLE,
                           .user = c->plugin_user != NULL ? c->plugin_user : c->user,
                           .on_ready = plugin_ready,
                           .on_down = plugin_down,
                           .on_death = plugin_died,
                           .on_notify = plugin_told,
                           .mode = told_mode(c),
                           .writable = c->plugin_writable,
                           .hidden = hide(t, c),
                           .ports = c->plugin_ports,
                           .exposed = c->plugin_exposed,
                           .sockets = o->shared != NULL ? o->shared->fd : NULL,
                           .n_sockets = o->shared != NULL ? o->shared->n : 0};
}

int ss_plugin_start(struct ss_plugin *p, ssp_loop *loop, const struct ss_plugin_order *o)
{
    char why[WHY_MAX];
    struct texts texts;
    ssp_host_conf conf = host_conf(&texts, o);
    conf.arg = p;
    p->conf = o->conf;
    p->role = o->role;
    p->hop = *o->hop;
    p->host = ssp_host_start(loop, &conf, why, sizeof why);
    if (p->host != NULL)
        return 0;
    ssp_error("failed to start the plugin: %s", why);
    return -1;
}

void ss_plugin_retire(struct ss_plugin *p)
{
    p->leaves = true;
    ss_shared_port_close(&p->shared);
    if (p->host != NULL)
        ssp_host_retire(p->host);
}

void ss_plugin_begin_stop(struct ss_plugin *p)
{
    if (p != NULL && p->host != NULL)
        ssp_host_begin_stop(p->host);
}

void ss_plugin_free(struct ss_plugin *p)
{
    if (p == NULL)
        return;
    ss_plugin_stop(p);
    free(p);
}

void ss_plugin_stop(struct ss_plugin *p)
{
    if (p->host != NULL)
        ssp_host_stop(p->host);
    p->host = NULL;
    p->ready = false;
    ss_shared_port_close(&p->shared);
}

void ss_plugin_announce(const struct ss_conf *c)
{
    ssp_info("plugin \"%.*s\" enabled", (int)ssp__mistaken_options(c->plugin), c->plugin);
    if (c->mode != SSP_UDP_ONLY && c->plugin_mode == SSP_UDP_ONLY)
        ssp_info("TCP bypasses the plugin \"%s\" (plugin_mode: udp_only)", c->plugin);
}

/* ---- inside of the program ---- */

int ss_plugin_stack(struct ss_inline **inlined, const struct ss_conf *c, ssp_role role,
                    const struct ss_keys *keys)
{
    char hosts[HOSTS_MAX], port[PORT_TEXT], why[SS_INLINE_WHY_MAX];
    const char *name = ss_plugin_inside(c->plugin);
    *inlined = NULL;
    if (name == NULL || !(carries_tcp(c) || carries_udp(c)))
        return 0;
    (void)snprintf(port, sizeof port, "%u", c->server->port);
    *inlined = ss_inline_new(
        &(struct ss_inline_order){.name = name,
                                  .options = c->plugin_opts,
                                  .role = role,
                                  .mode = told_mode(c),
                                  .remote_host = join_hosts(hosts, c->server, c->servers),
                                  .remote_port = port,
                                  .cipher = keys->method->codec,
                                  .cipher_conf = keys->codec_conf},
        why);
    if (*inlined == NULL)
        ssp_error("plugin %s", why);
    return *inlined != NULL ? 0 : -1;
}

/* ---- --print-plugin-env ---- */

static unsigned handshake_ms(enum ss_program program, struct ss_conf *c)
{
    const struct ss_keys_purpose purpose = {.program = program};
    struct ss_keys keys;
    char why[SS_WHY_MAX];
    if (ss_programs[program].role == SSP_CLIENT)
        return 0;
    unsigned ms = ss_keys_read(&keys, c, &purpose, why) == 0 ? ss_keys_handshake_ms(&keys, c) : 0;
    ss_keys_close(&keys);
    return ms;
}

static int print_env(enum ss_program program, struct ss_conf *c)
{
    struct texts texts;
    struct ssp__endpoint hop;
    bool client = ss_programs[program].role == SSP_CLIENT;
    ss_plugin_choose_hop(c, &hop);
    ssp_host_conf conf =
        host_conf(&texts, &(struct ss_plugin_order){.conf = c,
                                                    .role = ss_programs[program].role,
                                                    .server = c->server,
                                                    .servers = client ? 1 : c->servers,
                                                    .hop = &hop,
                                                    .handshake_ms = handshake_ms(program, c)});
    char **env = ssp__host_environment(&conf, NULL);
    for (char **e = env; e != NULL && *e != NULL; e++)
        puts(*e);
    ssp__host_environment_free(env);
    return env != NULL ? ss_answered(program) : SS_EXIT_FATAL;
}

int ss_plugin_print_env(enum ss_program program, struct ss_conf *c)
{
    struct ss_conf *at = c->apart ? c->instance : c->upstreams > 0 ? c->upstream : c;
    size_t n = c->apart ? c->instances : c->upstreams > 0 ? c->upstreams : 1, printed = 0;
    int status = SS_EXIT_OK;
    bool inside = false;
    for (size_t i = 0; i < n && status == SS_EXIT_OK; i++) {
        inside = inside || ss_plugin_inside(at[i].plugin) != NULL;
        if (at[i].plugin == NULL || ss_plugin_inside(at[i].plugin) != NULL)
            continue;
        if (printed++ > 0)
            puts("");
        status = print_env(program, &at[i]);
    }
    if (printed > 0)
        return status;
    ss_complain(&(struct ss_origin){.program = program},
                "%s, so that there is no environment to print (expected --plugin <command>)",
                inside ? "the plugin is inside of the program" : "no plugin is configured");
    return SS_EXIT_USAGE;
}
