/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h - what ss-local and ss-server have in common: configuration -> service row -> run.
 */
#ifndef SS_APP_APP_H
#define SS_APP_APP_H

#include "conf/conf.h"
#include "net/daemon.h"
#include "procfs/diag.h"
#include "proto/method.h"
#include "proto/socks.h"
#include "udp/relay.h"

#include <ssplugin/host.h>

struct ss_app;

/* A plugin and the program it belongs to. */
struct ss_plugin {
    struct ss_app *app;
    ssp_host *host; /* NULL: not started */
    bool ready;
};

struct ss_app {
    struct ss_conf conf;
    const struct ss_method *method;
    const void *codec_conf, *packets_conf; /* of the method, owned */
    struct ssp__program program;
    struct ssp__daemon daemon;
    struct ssp__service service;
    struct ss_socks_conf socks;
    struct ssp__service udp_service;
    struct ssp__udp *udp;                    /* NULL: off */
    struct ss_plugin plugin[SS_SERVERS_MAX]; /* one on a server, one for each server on a client */
    unsigned plugins;
    char remote_hosts[SS_SERVERS_MAX * SSP_HOST_MAX]; /* what the next plugin is told */
    char local_host[SSP_HOST_MAX];
    struct ssp__endpoint hop[SS_SERVERS_MAX]; /* loopback address between us and each plugin */
    struct ssp__address bind_v4, bind_v6;
};

/*
 * Reads the configuration and prepares logs, limits, keys and the loop; service gets what both
 * programs share.  Exits after the reason, the help or the version.
 */
enum ssp__next ss_app_open(struct ss_app *app, enum ss_program program, int argc, char **argv,
                           int *status);

/* Listens on every endpoint and logs `line` with each address.  Returns the port of the last one,
 * or -1 after a log line. */
int ss_app_listen(struct ss_app *app, const struct ssp__endpoint *e, unsigned n, const char *line);

/* Logs why nothing listens on e, one of n addresses, and what to do; errno and why are those of the
 * failure. */
void ss_app_cannot_listen(const struct ssp__endpoint *e, unsigned n, enum ssp__transport transport,
                          const char *why);

/* Gives up root, if the configuration says so.  Returns 0, or -1 after a log line. */
int ss_app_drop_privileges(struct ss_app *app);

/* Whether TCP and UDP, as far as there are any, go through a plugin; else they go around it. */
bool ss_app_tcp_in_plugin(const struct ss_conf *conf);
bool ss_app_udp_in_plugin(const struct ss_conf *conf);

/* The loopback address for the hop to a plugin; its port is 0. */
void ss_app_choose_hop(struct ss_app *app, struct ssp__endpoint *hop);

/* Starts the plugin of a server: it forwards what comes in on conf.server to hop[0].  Returns 0, or
 * -1 after a log line. */
int ss_app_start_server_plugin(struct ss_app *app);

/* Starts a plugin for each server; for TCP, clients wait
 * in the backlog until one is ready.  Returns 0, or -1 after a log line. */
int ss_app_start_client_plugins(struct ss_app *app);

/* Prints what a plugin would get, one variable a line, on stdout.  Returns the exit status. */
int ss_app_print_plugin_env(struct ss_app *app, ssp_role role);

/* Tells the process that started us, and systemd, that clients are served. */
void ss_app_ready(struct ss_app *app);

/* Runs until stopped and releases everything.  Returns the exit status; with `failed` only releases
 * and returns SS_EXIT_FATAL. */
int ss_app_run(struct ss_app *app);
int ss_app_fail(struct ss_app *app);

#endif
