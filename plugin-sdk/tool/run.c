/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - ss-plugin run: any plugin, or a pair of them, as a plain tunnel with live counters.
 *
 *   client  user -> plain hop -> client plugin -> wire hop -> --remote
 *   server  peer -> server plugin -> plain hop -> --to
 *   pair    user -> plain hop -> client plugin -> wire hop -> server plugin -> --to
 */
#include "base/json.h"
#include "check/process.h"
#include "command.h"
#include "counters.h"
#include "hop.h"
#include "place.h"

#include <ssplugin/host.h>
#include <ssplugin/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READY_MS = 20000,
    GRACE_MS = 2000,
    TTY_INTERVAL_S = 1,
    INTERVAL_S = 10,
    INTERVAL_MAX_S = 86400,
    WHY_MAX = 1024,
    LINE_MAX_BYTES = 256
};

static const struct tool_option options[] = {
    {"client", "BIN", "the plugin of the client side"},
    {"copts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"server", "BIN", "the plugin of the server side"},
    {"sopts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"listen", "HOST:PORT", "the address for users; with --server alone, for its peers"},
    {"remote", "HOST:PORT", "--client alone: the server"},
    {"to", "HOST:PORT", "with --server: the address that the server plugin dials"},
    {"interval", "SECONDS", "between two lines of counters (1 on a terminal, else 10)"},
    {"json", NULL, "one JSON object a line: ready, stats, end"},
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    "run",
    "[--client BIN] [--server BIN] --listen HOST:PORT ...",
    "Hosts a plugin, or a pair on this machine, as a tunnel without Shadowsocks, and counts\n"
    "connections, plain bytes, and bytes on the wire. SIGTERM and SIGINT end it with status 0.\n"
    "When a plugin ends, so does the tunnel: with the plugin's status, 128 + N when signal N "
    "killed\n"
    "it, or 1.",
    options,
    "  ss-plugin run --client obfs-local --copts obfs=tls --listen 127.0.0.1:1080 \\\n"
    "                --remote example.org:443\n"
    "  ss-plugin run --server obfs-server --sopts obfs=tls \\\n"
    "      --listen 0.0.0.0:443 --to 127.0.0.1:80\n"
    "  ss-plugin run --client obfs-local --copts obfs=http --server obfs-server \\\n"
    "                --sopts obfs=http --listen 127.0.0.1:1080 --to 127.0.0.1:80\n",
};

/* One of the two ends. */
struct tunnel_end {
    const char *plugin, *options; /* plugin NULL: not asked for */
    struct ssp__endpoint remote, local;
    ssp_host *host;
    struct tunnel *tunnel;
    bool ready;
};

struct tunnel {
    struct ssp__endpoint listen, remote, to; /* as given; port 0: not given */
    struct tunnel_end client, server;
    struct hop plain, wire;
    struct ssp__program program;
    struct ssp__timer tick;
    unsigned interval_s;
    bool json, tty;
    int64_t ready_us; /* 0: not yet */
    char why[WHY_MAX];
};

/* ---- argv ---- */

static enum ssp__next take_interval(struct tunnel *t, const char *value)
{
    long s = tool_number(value, INTERVAL_MAX_S);
    if (s == -1)
        return tool_refuse(&usage, "--interval %.40s: expected seconds, 1 to %d", value,
                           INTERVAL_MAX_S);
    t->interval_s = (unsigned)s;
    return SSP_GO_ON;
}

static enum ssp__next take(void *arg, const char *name, const char *value)
{
    struct tunnel *t = arg;
    const struct {
        const char *name;
        const char **text;
        struct ssp__endpoint *endpoint;
    } rows[] = {
        {"client", &t->client.plugin, NULL},
        {"copts", &t->client.options, NULL},
        {"server", &t->server.plugin, NULL},
        {"sopts", &t->server.options, NULL},
        {"listen", NULL, &t->listen},
        {"remote", NULL, &t->remote},
        {"to", NULL, &t->to},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        if (rows[i].endpoint != NULL)
            return place_endpoint(rows[i].endpoint, &usage, name, value);
        *rows[i].text = value;
        return SSP_GO_ON;
    }
    if (strcmp(name, "interval") == 0)
        return take_interval(t, value);
    t->json = true;
    return SSP_GO_ON;
}

/* Addresses and options must fit the plugins that are given.  Returns an exit status. */
static int validate(const struct tunnel *t)
{
    bool client = t->client.plugin != NULL, server = t->server.plugin != NULL;
    if (!client && !server)
        return tool_wrong(&usage, "which plugin? --client, --server or both");
    if (t->listen.port == 0)
        return tool_wrong(&usage, "--listen HOST:PORT is missing");
    if (server && t->to.port == 0)
        return tool_wrong(&usage,
                          "--to HOST:PORT is missing: the address that the server plugin dials");
    if (!server && t->remote.port == 0)
        return tool_wrong(&usage, "--remote HOST:PORT is missing: the server of the client plugin");
    if (server && t->remote.port != 0)
        return tool_wrong(&usage, "--remote goes with --client alone");
    if (!server && t->to.port != 0)
        return tool_wrong(&usage, "--to goes with --server: did you mean --remote?");
    if ((!client && t->client.options != NULL) || (!server && t->server.options != NULL))
        return tool_wrong(&usage, "%s without its plugin", client ? "--sopts" : "--copts");
    return TOOL_OK;
}

/* ---- counters ---- */

static struct counters counters(const struct tunnel *t)
{
    const struct ssp__instance *plain = &t->plain.relay, *wire = &t->wire.relay;
    return (struct counters){
        .seconds = t->ready_us > 0 ? (double)(clock_us() - t->ready_us) / 1e6 : 0,
        .connections = plain->own.counters.accepted,
        .failed = plain->own.counters.failed,
        .open = plain->live,
        .plain_up = plain->own.counters.bytes_up,
        .plain_down = plain->own.counters.bytes_down,
        .has_wire = wire->program != NULL,
        .wire_up = wire->own.counters.bytes_up,
        .wire_down = wire->own.counters.bytes_down,
    };
}

/* A line that is longer would not be rewritten, but scroll. */
static int terminal_width(void)
{
    unsigned width = tool_width(stdout);
    return width > 1 ? (int)width - 1 : LINE_MAX_BYTES;
}

static void show(const struct tunnel *t)
{
    struct counters a = counters(t);
    char line[LINE_MAX_BYTES];
    if (t->json)
        counters_json(&a);
    else if (t->tty)
        printf("\r\033[K%.*s", terminal_width(), counters_line(&a, line, sizeof line));
    else
        puts(counters_line(&a, line, sizeof line));
    (void)fflush(stdout);
}

static void tick(void *arg)
{
    struct tunnel *t = arg;
    show(t);
    ssp__timer_start(t->program.loop, &t->tick, t->interval_s * 1000);
}

/* Log lines appear above the progress line. */
static void log_above(void *arg, ssp_log_level level, const char *text)
{
    (void)arg;
    (void)level;
    fprintf(stderr, "\r\033[K%s\n", text);
}

/* ---- the life of the plugins ---- */

static void announce(const struct tunnel *t)
{
    char text[SSP_HOST_MAX + 8];
    ssp__endpoint_format(&t->listen, text, sizeof text);
    if (!t->json) {
        ssp_info("ready: listening at %s", text);
        return;
    }
    struct ssp__json out = {.out = stdout};
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "event", "ready");
    ssp__json_text(&out, "listen", text);
    ssp__json_close(&out, '}');
    (void)fflush(stdout);
}

static void became_ready(void *arg)
{
    struct tunnel_end *tunnel_end = arg;
    struct tunnel *t = tunnel_end->tunnel;
    tunnel_end->ready = true;
    if (tunnel_end == &t->client) {
        t->plain.to = tunnel_end->local;
        t->plain.to.port = ssp_host_port(tunnel_end->host);
    }
    if ((t->client.host != NULL && !t->client.ready) ||
        (t->server.host != NULL && !t->server.ready))
        return;
    ssp__instance_pause(&t->plain.relay, false);
    t->ready_us = clock_us();
    announce(t);
    ssp__timer_start(t->program.loop, &t->tick, t->interval_s * 1000);
}

static void died(void *arg, const char *why)
{
    struct tunnel_end *tunnel_end = arg;
    struct tunnel *t = tunnel_end->tunnel;
    int status = ssp_host_exit_status(tunnel_end->host);
    (void)snprintf(t->why, sizeof t->why, "%s", why);
    ssp__program_stop(&t->program, status > 0 ? status : TOOL_NO);
}

static int start(struct tunnel *t, struct tunnel_end *tunnel_end, ssp_role role)
{
    char remote[SSP_HOST_MAX], local[SSP_HOST_MAX];
    ssp_host_conf conf = {.size = sizeof conf,
                          .plugin = tunnel_end->plugin,
                          .options = tunnel_end->options,
                          .role = role,
                          .remote_host = ssp__endpoint_host(&tunnel_end->remote, remote),
                          .remote_port = tunnel_end->remote.port,
                          .local_host = ssp__endpoint_host(&tunnel_end->local, local),
                          .local_port = tunnel_end->local.port,
                          .ready_ms = READY_MS,
                          .grace_ms = GRACE_MS,
                          .on_ready = became_ready,
                          .on_down = died,
                          .on_death = died,
                          .arg = tunnel_end};
    tunnel_end->tunnel = t;
    tunnel_end->host = ssp_host_start(t->program.loop, &conf, t->why, sizeof t->why);
    return tunnel_end->host != NULL ? 0 : -1;
}

/* ---- start ---- */

static struct ssp__endpoint loopback(uint16_t port)
{
    struct ssp__endpoint e;
    (void)ssp__endpoint_set(&e, "127.0.0.1", port);
    return e;
}

/* A hop at a loopback port of the kernel's choice; *at becomes its address. */
static int open_inner_hop(struct tunnel *t, struct hop *h, struct ssp__endpoint *at)
{
    *at = loopback(0);
    int port = hop_listen(h, at, t->why, sizeof t->why);
    at->port = (uint16_t)port;
    return port == -1 ? -1 : 0;
}

/* user -> plain -> client -> wire -> beyond */
static int lay_client(struct tunnel *t, const struct ssp__endpoint *beyond)
{
    t->client.local = loopback(0);
    t->wire.to = *beyond;
    hop_open(&t->wire, &t->program, "wire");
    if (hop_listen(&t->plain, &t->listen, t->why, sizeof t->why) == -1)
        return -1;
    ssp__instance_pause(&t->plain.relay, true);
    return open_inner_hop(t, &t->wire, &t->client.remote);
}

/* The server of a pair gets a port of ours, and needs no hop behind it: plain is counted in front
 * of the client already. */
static int lay_pair(struct tunnel *t)
{
    t->server.remote = loopback(port_reserve());
    if (t->server.remote.port == 0) {
        (void)snprintf(t->why, sizeof t->why, "no port of 127.0.0.1 is free");
        return -1;
    }
    t->server.local = t->to;
    return lay_client(t, &t->server.remote);
}

static int lay_server(struct tunnel *t)
{
    t->server.remote = t->listen;
    t->plain.to = t->to;
    return open_inner_hop(t, &t->plain, &t->server.local);
}

static int lay(struct tunnel *t)
{
    (void)snprintf(t->why, sizeof t->why, "out of memory");
    hop_open(&t->plain, &t->program, "plain");
    if (t->client.plugin == NULL)
        return lay_server(t);
    return t->server.plugin != NULL ? lay_pair(t) : lay_client(t, &t->remote);
}

static int start_all(struct tunnel *t)
{
    if (lay(t) == -1)
        return -1;
    if (t->server.plugin != NULL && start(t, &t->server, SSP_SERVER) == -1)
        return -1;
    return t->client.plugin != NULL ? start(t, &t->client, SSP_CLIENT) : 0;
}

static void print_end(const struct tunnel *t, int status)
{
    if (t->tty)
        puts("");
    if (t->why[0] != '\0')
        (void)tool_fail("run", "%s", t->why);
    if (!t->json)
        return;
    struct ssp__json out = {.out = stdout};
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "event", "end");
    ssp__json_number(&out, "status", status);
    ssp__json_text(&out, "why", t->why[0] != '\0' ? t->why : NULL);
    ssp__json_close(&out, '}');
    (void)fflush(stdout);
}

static int run(struct tunnel *t)
{
    int status = TOOL_NO;
    t->tick = (struct ssp__timer){.fire = tick, .arg = t};
    if (start_all(t) == 0) {
        t->why[0] = '\0';
        status = ssp__program_run(&t->program);
    }
    ssp__timer_stop(&t->tick);
    if (t->ready_us > 0)
        show(t);
    print_end(t, status);
    ssp_host_begin_stop(t->client.host);
    ssp_host_begin_stop(t->server.host);
    ssp_host_stop(t->client.host);
    ssp_host_stop(t->server.host);
    hop_close(&t->plain);
    hop_close(&t->wire);
    return status;
}

int run_main(int argc, char **argv)
{
    static struct tunnel t; /* too large for a stack; once per process */
    const char *why;
    struct tool_line line = {argc, argv, TOOL_OK};
    if (tool_read(&usage, &line, take, &t) == SSP_EXIT_WITH)
        return line.status;
    if (line.argc > 1)
        return tool_wrong(&usage, "unexpected argument %.60s", argv[1]);
    int status = validate(&t);
    if (status != TOOL_OK)
        return status;
    t.tty = !t.json && isatty(STDOUT_FILENO) == 1;
    if (t.interval_s == 0)
        t.interval_s = t.tty ? TTY_INTERVAL_S : INTERVAL_S;
    ssp_log_open(SSP_LOG_PLUGIN, "ss-plugin run", false);
    if (t.tty && isatty(STDERR_FILENO) == 1)
        ssp_log_redirect(log_above, NULL);
    if (ssp__program_open(&t.program, NULL, false, &why) == -1)
        return tool_fail("run", "%s", why);
    status = run(&t);
    ssp__program_close(&t.program);
    return status;
}
