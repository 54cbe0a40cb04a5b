/* SPDX-License-Identifier: Apache-2.0 */
#include "app/instance.h"

#include "app/udp.h"
#include "procfs/bind_hint.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stddef.h>

enum {
    DIAL_LIMIT_S = 10,
    IDLE_LIMIT_S = 24 * 3600, /* an idle TCP session may live this long, because phones sleep */
    LINGER_MS = 30000,
    WHY_MAX = 512
};

/* Refuses options that this build does not support before anything starts, instead of ignoring
 * them. */
static int refuse_unsupported(const struct ss_conf *c)
{
    if (c->acl != NULL) {
        ssp_error("acl %s: access lists are not supported; remove the option", c->acl);
        return -1;
    }
    if (c->mode == SSP_UDP_ONLY && !ss_udp_wanted(c)) {
        ssp_error("mode udp_only and plugin_udp off leave no traffic to relay; remove one of them");
        return -1;
    }
    if (c->manager_address != NULL)
        ssp_error("manager_address %s: statistics are not sent", c->manager_address);
    return 0;
}

static void tell_clock(int64_t seconds)
{
    ssp_error(
        "the clock of the server is %lld s %s ours: set the clock that is wrong (at most 30 s "
        "are allowed)",
        (long long)(seconds < 0 ? -seconds : seconds), seconds < 0 ? "behind" : "ahead of");
}

/* TCP and UDP have a replay filter each: a flood of packets must not push out the salts of TCP. */
static int read_key(struct ss_instance *i)
{
    const struct ss_conf *c = i->conf;
    const struct ss_secret secret = {.password = c->password,
                                     .key = c->key,
                                     .role = ss_programs[i->program].role,
                                     .users = c->users,
                                     .prefix = {c->prefix, c->prefix_len},
                                     .tell_clock = tell_clock};
    char why[SS_WHY_MAX] = "unknown";
    i->method = ss_method_find(c->method);
    if (i->method != NULL)
        i->codec_conf = ss_method_conf_new(i->method, &secret, why);
    if (i->codec_conf != NULL)
        i->packets_conf = ss_method_conf_new(i->method, &secret, why);
    if (i->method == NULL || i->packets_conf == NULL) {
        ssp_error("method %s: cannot read its key: %s", c->method, why);
        return -1;
    }
    ss_conf_forget_key(i->conf);
    ssp_info("initializing ciphers... %s", i->method->name);
    return 0;
}

/* Returns NULL when text is not an address. */
static const struct ssp__address *parsed(struct ssp__address *a, const char *text)
{
    return text != NULL && ssp__address_parse(a, text, 0) == 0 ? a : NULL;
}

static void fill_service(struct ss_instance *i)
{
    const struct ss_conf *c = i->conf;
    unsigned dial_s = c->timeout_s < DIAL_LIMIT_S ? c->timeout_s : DIAL_LIMIT_S;
    unsigned idle_s = c->timeout_s > IDLE_LIMIT_S ? c->timeout_s : IDLE_LIMIT_S;
    i->service = (struct ssp__service){
        .name = ss_programs[i->program].name,
        .role = ss_programs[i->program].role,
        .coded = ss_programs[i->program].role == SSP_CLIENT ? SSP_DIALED : SSP_ACCEPTED,
        .codec = i->method->codec,
        .conf = i->codec_conf,
        .limits = {.dial_ms = dial_s * 1000,
                   .idle_ms = idle_s * 1000,
                   .linger_ms = LINGER_MS,
                   .greeting_per_source = c->handshakes_per_ip},
        .accepted = {.fast_open = c->fast_open,
                     .mptcp = c->mptcp,
                     .reuse_port = c->reuse_port,
                     .keep_alive_s = c->keep_alive_s,
                     .user_timeout_s = c->tcp_user_timeout_s,
                     .sndbuf = c->tcp_incoming_sndbuf,
                     .rcvbuf = c->tcp_incoming_rcvbuf},
        .dialed = {.fast_open = c->fast_open,
                   .mptcp = c->mptcp,
                   .keep_alive_s = c->keep_alive_s,
                   .user_timeout_s = c->tcp_user_timeout_s,
                   .sndbuf = c->tcp_outgoing_sndbuf,
                   .rcvbuf = c->tcp_outgoing_rcvbuf,
                   .interface = c->interface,
                   .fwmark = c->fwmark,
                   .bind_v4 = parsed(&i->bind_v4, c->local_ipv4_address),
                   .bind_v6 = parsed(&i->bind_v6, c->local_ipv6_address)},
    };
}

/* ---- the beginning ---- */

static int (*const serve[SS_PROGRAMS])(struct ss_instance *instance) = {
    [SS_LOCAL] = ss_local_serve,
    [SS_SERVER] = ss_server_serve,
    [SS_TUNNEL] = ss_tunnel_serve,
};

int ss_instance_open(struct ss_instance *i, struct ss_process *process, enum ss_program program,
                     struct ss_conf *c)
{
    *i = (struct ss_instance){.process = process, .conf = c, .program = program};
    ssp__instance_open(&i->relay, &process->program);
    if (refuse_unsupported(c) == -1 || read_key(i) == -1)
        return -1;
    if (c->fast_open)
        ssp_info("using tcp fast open");
    if (c->reuse_port)
        ssp_info("tcp port reuse enabled");
    fill_service(i);
    ss_process_join(process);
    i->joined = true;
    if (serve[program](i) == -1)
        return -1;
    if (i->plugins == 0)
        ss_instance_ready(i);
    return 0;
}

void ss_instance_cannot_listen(const struct ssp__endpoint *e, unsigned n,
                               enum ssp__transport transport, const char *why)
{
    char text[SSP_BIND_HINT_MAX];
    int error = errno;
    const char *hint = ssp__bind_hint(error, transport, e->port, text);
    bool absent = error == EADDRNOTAVAIL || error == EAFNOSUPPORT; /* then every address is */
    ssp_error("failed to listen on %s address: %s%s%s", n == 1 || absent ? "any" : "every", why,
              hint != NULL ? "; hint: " : "", hint != NULL ? hint : "");
}

int ss_instance_listen(struct ss_instance *i, struct ssp__endpoint *e, unsigned n, const char *line)
{
    i->service.accepted.v6only = n > 1 || i->conf->ipv6_only;
    for (unsigned k = 0; k < n; k++) {
        char why[WHY_MAX], text[SSP_HOST_MAX + 8];
        int port = ssp__instance_listen(&i->relay, &e[k], &i->service, why, sizeof why);
        if (port == -1) {
            ss_instance_cannot_listen(&e[k], n, SSP_TCP, why);
            return -1;
        }
        e[k].port = (uint16_t)port;
        ssp__endpoint_format(&e[k], text, sizeof text);
        ssp_info("%s %s", line, text);
    }
    return 0;
}

/* ---- its life, as the process is told ---- */

void ss_instance_started(struct ss_instance *i)
{
    if (!i->started)
        ss_process_started(i->process);
    i->started = true;
}

void ss_instance_ready(struct ss_instance *i)
{
    ss_instance_started(i);
    if (!i->ready)
        ss_process_ready(i->process);
    i->ready = true;
}

static void begin_to_stop_plugins(struct ss_instance *i)
{
    for (unsigned k = 0; k < i->plugins; k++)
        ssp_host_begin_stop(i->plugin[k].host);
}

static void stop_serving(struct ss_instance *i)
{
    ssp__udp_close(i->udp);
    i->udp = NULL;
    ssp__instance_close(&i->relay);
}

/* The others do not wait for it.  The starter of the process must not get success when the last
 * instance fails. */
static void leave(struct ss_instance *i)
{
    if (!i->joined)
        return;
    i->joined = false;
    ss_process_leave(i->process);
    if (i->process->serving > 0)
        ss_instance_ready(i);
}

void ss_instance_fail(struct ss_instance *i)
{
    begin_to_stop_plugins(i);
    stop_serving(i);
    leave(i);
    ss_process_failed(i->process);
}

void ss_instance_close(struct ss_instance *i)
{
    begin_to_stop_plugins(i);
    for (unsigned k = 0; k < i->plugins; k++)
        ssp_host_stop(i->plugin[k].host);
    i->plugins = 0;
    stop_serving(i);
    leave(i);
    ss_method_conf_free(i->method, i->codec_conf);
    ss_method_conf_free(i->method, i->packets_conf);
    i->codec_conf = i->packets_conf = NULL;
}
