/* SPDX-License-Identifier: Apache-2.0 */
#include "app/app.h"

#include "app/notify.h"
#include "app/udp.h"
#include "conf/complain.h"
#include "host/report/diagnose.h"
#include "net/daemon.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    DIAL_LIMIT_S = 10,
    IDLE_LIMIT_S = 24 * 3600, /* an idle TCP session may live this long: phones sleep */
    LINGER_MS = 30000,
    WHY_MAX = 512
};

static void open_log(const struct ss_app *app, enum ss_program program, bool to_syslog)
{
    ssp_log_open(to_syslog ? SSP_LOG_SYSLOG : SSP_LOG_DAEMON, ss_programs[program].name,
                 app->conf.verbose);
}

/* The child logs to syslog; an error before is printed. */
static int to_background(struct ss_app *app, enum ss_program program)
{
    char why[WHY_MAX];
    int rc = ssp__daemon_detach(&app->daemon, app->conf.pid_file, why, sizeof why);
    if (rc == -1)
        ssp_error("%s", why);
    open_log(app, program, true);
    return rc;
}

/* What this build does not do is said before anything starts, never passed over in silence. */
static int refuse_unsupported(const struct ss_conf *c)
{
    if (c->acl != NULL) {
        ssp_error("acl %s: access lists are not supported; remove the option", c->acl);
        return -1;
    }
    if (c->mode == SSP_UDP_ONLY && !ss_udp_wanted(c)) {
        ssp_error("mode udp_only and plugin_udp off leave nothing to relay; remove one of them");
        return -1;
    }
    if (c->manager_address != NULL)
        ssp_error("manager_address %s: statistics are not sent", c->manager_address);
    return 0;
}

/* Each of TCP and UDP remembers what it has seen: a flood of packets must not make TCP forget. */
static int read_key(struct ss_app *app)
{
    const struct ss_conf *c = &app->conf;
    const struct ss_secret secret = {.password = c->password, .key = c->key};
    const char *why = "unknown";
    app->method = ss_method_find(c->method);
    if (app->method != NULL)
        app->codec_conf = ss_method_conf_new(app->method, &secret, &why);
    if (app->codec_conf != NULL)
        app->packets_conf = ss_method_conf_new(app->method, &secret, &why);
    if (app->packets_conf == NULL) {
        ssp_error("method %s: read its key: %s", c->method, why);
        return -1;
    }
    ss_conf_forget_key(&app->conf);
    ssp_info("initializing ciphers... %s", app->method->name);
    return 0;
}

/* NULL when there is no address in text. */
static const struct ssp__address *parsed(struct ssp__address *a, const char *text)
{
    return text != NULL && ssp__address_parse(a, text, 0) == 0 ? a : NULL;
}

static void fill_service(struct ss_app *app, enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    unsigned dial_s = c->timeout_s < DIAL_LIMIT_S ? c->timeout_s : DIAL_LIMIT_S;
    unsigned idle_s = c->timeout_s > IDLE_LIMIT_S ? c->timeout_s : IDLE_LIMIT_S;
    app->service = (struct ssp__service){
        .name = ss_programs[program].name,
        .role = ss_programs[program].role,
        .codec = app->method->codec,
        .conf = app->codec_conf,
        .limits = {.dial_ms = dial_s * 1000, .idle_ms = idle_s * 1000, .linger_ms = LINGER_MS},
        .accepted = {.fast_open = c->fast_open,
                     .mptcp = c->mptcp,
                     .reuse_port = c->reuse_port,
                     .sndbuf = c->tcp_incoming_sndbuf,
                     .rcvbuf = c->tcp_incoming_rcvbuf},
        .dialed = {.fast_open = c->fast_open,
                   .mptcp = c->mptcp,
                   .sndbuf = c->tcp_outgoing_sndbuf,
                   .rcvbuf = c->tcp_outgoing_rcvbuf,
                   .interface = c->interface,
                   .bind_v4 = parsed(&app->bind_v4, c->local_ipv4_address),
                   .bind_v6 = parsed(&app->bind_v6, c->local_ipv6_address)},
    };
}

static int prepare(struct ss_app *app, enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    char why[WHY_MAX];
    const char *phrase;
    if (refuse_unsupported(c) == -1 || (c->pid_file != NULL && to_background(app, program) == -1))
        return -1;
    if (c->nofile > 0 && ssp__daemon_limit_files(c->nofile, why, sizeof why) == -1)
        ssp_error("%s", why);
    if (read_key(app) == -1)
        return -1;
    if (ssp__program_open(&app->program, c->nameserver, c->ipv6_first, &phrase) == -1) {
        ssp_error("start: %s", phrase);
        return -1;
    }
    if (c->nameserver != NULL)
        ssp_info("using nameserver: %s", c->nameserver);
    if (c->fast_open)
        ssp_info("using tcp fast open");
    if (c->reuse_port)
        ssp_info("tcp port reuse enabled");
    fill_service(app, program);
    return 0;
}

enum ssp__next ss_app_open(struct ss_app *app, enum ss_program program, int argc, char **argv,
                           int *status)
{
    *app = (struct ss_app){.method = NULL};
    ssp__daemon_open_stdio();
    if (sodium_init() == -1) {
        ss_complain(&(struct ss_origin){.program = program}, "libsodium finds no randomness");
        *status = SS_EXIT_FATAL;
        return SSP_EXIT_WITH;
    }
    if (ss_conf_read(&app->conf, program, argc, argv, status) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    open_log(app, program, app->conf.use_syslog && app->conf.pid_file == NULL);
    if (app->conf.print_plugin_env) {
        *status = ss_app_print_plugin_env(app, ss_programs[program].role);
        ss_conf_release(&app->conf);
        return SSP_EXIT_WITH;
    }
    if (prepare(app, program) == 0)
        return SSP_GO_ON;
    *status = ss_app_fail(app);
    return SSP_EXIT_WITH;
}

void ss_app_cannot_listen(const struct ssp__endpoint *e, unsigned n, enum ssp__transport transport,
                          const char *why)
{
    char text[SSP_HINT_MAX], owner[128];
    int error = errno;
    bool owned =
        error == EADDRINUSE && ssp__port_owner(transport, e->port, owner, sizeof owner) == 1;
    const char *hint =
        ssp__diagnose_listen(error, e->port, owned ? owner : NULL, text, sizeof text);
    bool absent = error == EADDRNOTAVAIL || error == EAFNOSUPPORT; /* then all of them are */
    ssp_error("failed to listen on %s address: %s%s%s", n == 1 || absent ? "any" : "every", why,
              hint != NULL ? "; hint: " : "", hint != NULL ? hint : "");
}

int ss_app_listen(struct ss_app *app, const struct ssp__endpoint *e, unsigned n, const char *line)
{
    int port = -1;
    app->service.accepted.v6only = n > 1;
    for (unsigned i = 0; i < n; i++) {
        char why[WHY_MAX], text[SSP_HOST_MAX + 8];
        port = ssp__program_listen(&app->program, &e[i], &app->service, why, sizeof why);
        if (port == -1) {
            ss_app_cannot_listen(&e[i], n, SSP_TCP, why);
            return -1;
        }
        struct ssp__endpoint bound = e[i];
        bound.port = (uint16_t)port;
        ssp__endpoint_format(&bound, text, sizeof text);
        ssp_info("%s %s", line, text);
    }
    return port;
}

int ss_app_drop_privileges(struct ss_app *app)
{
    char why[WHY_MAX];
    if (app->conf.user != NULL && ssp__daemon_become(app->conf.user, why, sizeof why) == -1) {
        ssp_error("%s", why);
        return -1;
    }
    if (geteuid() == 0)
        ssp_info("running from root user");
    return 0;
}

static void release(struct ss_app *app)
{
    for (unsigned i = 0; i < app->plugins; i++)
        ssp_host_begin_stop(app->plugin[i].host);
    for (unsigned i = 0; i < app->plugins; i++)
        ssp_host_stop(app->plugin[i].host);
    ssp__udp_close(app->udp);
    ssp__program_close(&app->program);
    ss_method_conf_free(app->method, app->codec_conf);
    ss_method_conf_free(app->method, app->packets_conf);
    ssp__daemon_end(&app->daemon);
    ss_conf_release(&app->conf);
}

void ss_app_ready(struct ss_app *app)
{
    if (!ssp__daemon_ready(&app->daemon))
        ssp__program_stop(&app->program, SS_EXIT_FATAL);
    ss_notify("READY=1");
}

int ss_app_run(struct ss_app *app)
{
    if (app->plugins == 0)
        ss_app_ready(app);
    int status = ssp__program_run(&app->program);
    ss_notify("STOPPING=1");
    if (status == 0)
        ssp_debug("closed gracefully");
    release(app);
    return status;
}

int ss_app_fail(struct ss_app *app)
{
    release(app);
    return SS_EXIT_FATAL;
}
