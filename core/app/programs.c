/* SPDX-License-Identifier: Apache-2.0 */
#include "app/programs.h"

#include "app/access.h"
#include "app/udp.h"
#include "conf/strength.h"
#include <ssplugin/log.h>

enum {
    DIAL_LIMIT_S = 10,
    IDLE_LIMIT_S = 24 * 3600, /* an idle TCP session may live this long, because phones sleep */
    LINGER_MS = 30000
};

/* Refuses options that this build does not support before anything starts, instead of ignoring
 * them. */
int ss_programs_refuse(const struct ss_conf *c)
{
    if (c->mode == SSP_UDP_ONLY && !ss_udp_wanted(c)) {
        ssp_error("mode udp_only and plugin_udp off leave no traffic to relay; remove one of them");
        return -1;
    }
    return 0;
}

/* An attacker who has recorded one connection tries passwords as fast as machines hash.  Keys are
 * drawn at random. */
static void warn_if_weak(const struct ss_conf *c)
{
    const struct ss_method *method = ss_method_find(c->method);
    bool made_up = c->key == NULL && c->password != NULL && method != NULL && !method->keys_only;
    unsigned bits = made_up ? ss_strength_bits(c->password) : SS_STRENGTH_ENOUGH;
    if (bits < SS_STRENGTH_ENOUGH)
        ssp_info("weak password: %u bits at best, and one recorded connection is enough to guess "
                 "it; take a random one of %d bits or more: openssl rand -base64 16",
                 bits, SS_STRENGTH_ENOUGH);
}

static int read_key(struct ss_instance *i)
{
    char why[SS_WHY_MAX];
    warn_if_weak(i->conf);
    if (ss_instance_read_key(i, why) == -1) {
        ssp_error("method %s: cannot read its key: %s", i->conf->method, why);
        return -1;
    }
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
    [SS_REDIR] = ss_redir_serve,
    [SS_TUNNEL] = ss_tunnel_serve, /* ss-manager serves as ss-server */
};

int ss_instance_open(struct ss_instance *i, struct ss_process *process, enum ss_program program,
                     struct ss_conf *c)
{
    *i = (struct ss_instance){.process = process,
                              .conf = c,
                              .program = program,
                              .owner = i->owner,
                              .predecessor = i->predecessor};
    ssp__instance_open(&i->relay, &process->program);
    if (ss_programs_refuse(c) == -1 || read_key(i) == -1 || ss_access_open(i) == -1)
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
