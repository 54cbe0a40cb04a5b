/* SPDX-License-Identifier: Apache-2.0 */
#include "app/programs.h"

#include "app/access.h"
#include "app/access_log.h"
#include "app/balancers.h"
#include "app/entrance.h"
#include "app/store.h"
#include "app/udp.h"
#include "app/upstreams.h"
#include "proto/users.h"
#include <ssplugin/log.h>

enum {
    DIAL_LIMIT_S = 10,
    IDLE_LIMIT_S = 24 * 3600, /* an idle TCP session may live this long, because phones sleep */
    LINGER_MS = 30000
};

/* True when a server, or one of those of a client, has a plugin that is a process. */
static bool runs_plugin(const struct ss_conf *c)
{
    const struct ss_conf *whole = c->whole != NULL ? c->whole : c;
    bool any = ss_plugin_runs(c);
    for (size_t i = 0; i < whole->upstreams; i++)
        any = any || ss_plugin_runs(&whole->upstream[i]);
    return any;
}

/* The first row that is for one thread alone; NULL: none.  A plugin is one thread for all
 * connections; buckets, and the bytes that are left, are of one thread each. */
static const char *single_threaded(const struct ss_conf *c)
{
    const struct ss_conf *whole = c->whole != NULL ? c->whole : c;
    const struct {
        bool set;
        const char *row;
    } rows[] = {
        {runs_plugin(c), "plugin"},
        {c->allowance.bytes != 0, "limit_bytes"},
        {c->allowance.rate != 0, "limit_rate"},
        {ss_users_limited(c->users), "the limits of users"},
        {c->store != NULL || whole->store != NULL, "store"},
        {c->mode == SSP_UDP_ONLY, "mode udp_only"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].set)
            return rows[i].row;
    return NULL;
}

static int refuse_workers(const struct ss_conf *c)
{
    const char *row = c->workers > 1 ? single_threaded(c) : NULL;
    if (row == NULL)
        return 0;
    ssp_error("workers %u and %s exclude each other%s: set workers to 1, or remove the other",
              c->workers, row,
              runs_plugin(c) ? " (but for a plugin inside of the program, inline:)" : "");
    return -1;
}

/* Refuses options that this build does not support before anything starts, instead of ignoring
 * them. */
int ss_programs_refuse(const struct ss_conf *c)
{
    if (refuse_workers(c) == -1)
        return -1;
    if (c->mode == SSP_UDP_ONLY && !ss_udp_wanted(c)) {
        ssp_error("mode udp_only and plugin_udp off leave no traffic to relay; remove one of them");
        return -1;
    }
    return 0;
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
        .dialed = ss_dialing_options(&i->dialing, c),
    };
    i->access_log = (struct ssp__access_log){ss_access_log_note, i};
    i->service.access_log = i->process->access_log != NULL ? &i->access_log : NULL;
}

/* ---- the beginning ---- */

static int (*const serve[SS_PROGRAMS])(struct ss_instance *instance) = {
    [SS_LOCAL] = ss_local_serve,
    [SS_SERVER] = ss_server_serve,
    [SS_REDIR] = ss_redir_serve,
    [SS_TUNNEL] = ss_tunnel_serve, /* ss-manager serves as ss-server */
};

/* A server that takes the place of another one has its keys, if they are the same. */
static int take_keys(struct ss_instance *i)
{
    const struct ss_process *p = i->process;
    const struct ss_keys_purpose purpose = {i->program, ss_udp_wanted(i->conf), &i->process->vault,
                                            p->store != NULL ? ss_store_keeper(p->store)
                                                             : ss_salts_keeper(p->salts)};
    uint8_t print[SS_KEY_PRINT];
    ss_conf_key_print(print, i->conf, i->process->secret);
    i->keys = ss_shared_keys_take(i->predecessor != NULL ? i->predecessor->keys : NULL, i->conf,
                                  &purpose, print);
    return i->keys != NULL ? 0 : -1;
}

/* The limits of one that is in use change when all of a reload takes effect. */
static int take_meter(struct ss_instance *i, struct ss_meter *offered)
{
    i->meter = ss_meter_take(offered, ssp__crew_others(i->process->program.crew));
    if (i->meter == NULL)
        return -1;
    i->relay.meter = &i->meter->traffic;
    if (offered == NULL)
        ssp__instance_limit(&i->relay, &i->conf->allowance);
    if (ssp__instance_spread(&i->relay) == 0)
        return 0;
    ssp_error("workers: out of memory");
    return -1;
}

int ss_instance_open(struct ss_instance *i, struct ss_process *process, enum ss_program program,
                     struct ss_conf *c)
{
    struct ss_meter *offered = i->meter;
    *i = (struct ss_instance){.process = process,
                              .conf = c,
                              .program = program,
                              .generation = i->generation,
                              .owner = i->owner,
                              .predecessor = i->predecessor};
    ssp__instance_open(&i->relay, &process->program);
    bool client = ss_programs[program].role == SSP_CLIENT;
    if (take_meter(i, offered) == -1 || ss_programs_refuse(c) == -1 || ss_access_open(i) == -1)
        return -1;
    if ((client ? ss_upstreams_join(i) : take_keys(i)) == -1)
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
    if (client)
        ss_upstreams_report(i);
    else if (i->plugin == NULL || i->predecessor != NULL)
        ss_instance_ready(i);
    return 0;
}

void ss_instance_close(struct ss_instance *i)
{
    ss_instance_end(i);
    ss_entrance_close(i);
    ss_upstreams_leave(i);
    ss_access_leave(i);
    ss_balancers_close(i);
    i->relay.meter = &i->relay.own;
    ss_meter_leave(i->meter);
    i->meter = NULL;
}
