/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/instances.h"

#include "conf/check.h"
#include "conf/manager.h"
#include "conf/servers.h"
#include "conf/text.h"
#include "conf/upstreams.h"

#include <stdlib.h>

/* A copy of the conf, at the end of the instances.  NULL when memory is out. */
static struct ss_conf *add_copy(struct ss_conf *conf, enum ss_program program)
{
    struct ss_conf *at = reallocarray(conf->instance, conf->instances + 1, sizeof *at);
    if (at == NULL)
        return NULL;
    conf->instance = at;
    at += conf->instances++;
    int rc = ss_conf_copy(at, conf);
    at->program = program;
    at->whole = conf;
    return rc == 0 ? at : NULL;
}

static enum ssp__next out_of_memory(enum ss_program program)
{
    ss_complain(&(struct ss_origin){.program = program}, "out of memory");
    return SSP_EXIT_WITH;
}

/* The server beside the list comes first. */
static enum ssp__next make_servers(struct ss_conf *conf, enum ss_program program, int *status)
{
    const struct ss_origin origin = {.program = program};
    size_t own = conf->servers > 0 ? 1 : 0;
    ss_conf_complete(conf); /* --dump-config shows it */
    for (size_t i = 0; i < conf->list.n + own; i++) {
        struct ss_conf *one = add_copy(conf, program);
        *status = SS_EXIT_FATAL;
        if (one == NULL)
            return out_of_memory(program);
        if (i >= own && ss_servers_use(one, &origin, &conf->list.at[i - own]) == -1)
            return SSP_EXIT_WITH;
        if (ss_conf_check(one, program, status) == SSP_EXIT_WITH)
            return SSP_EXIT_WITH;
    }
    return SSP_GO_ON;
}

static int listen_as(struct ss_conf *one, const struct ss_listener *listener)
{
    one->local_port = listener->port;
    one->tcp_tproxy = one->tcp_tproxy || listener->tcp_tproxy;
    if (listener->has_mode)
        one->mode = listener->mode;
    return ss_text_replace(&one->local_address, listener->address) |
           ss_text_replace(&one->tunnel_address, listener->target);
}

static enum ssp__next make_listeners(struct ss_conf *conf, enum ss_program program, int *status)
{
    *status = SS_EXIT_FATAL;
    if (conf->local_port != 0 && add_copy(conf, program) == NULL)
        return out_of_memory(program);
    for (size_t i = 0; i < conf->listeners; i++) {
        struct ss_conf *one = add_copy(conf, conf->listener[i].program);
        if (one == NULL || listen_as(one, &conf->listener[i]) != 0)
            return out_of_memory(program);
    }
    return SSP_GO_ON;
}

enum ssp__next ss_instances_make(struct ss_conf *conf, enum ss_program program, int *status)
{
    bool server = ss_programs[program].role == SSP_SERVER;
    if (program == SS_MANAGER)
        return ss_manager_conf_check(conf, status);
    if (conf->apart)
        return make_servers(conf, program, status);
    enum ssp__next next = conf->many ? ss_upstreams_make(conf, program, status)
                                     : ss_conf_check(conf, program, status);
    if (next == SSP_EXIT_WITH || server || conf->listeners == 0)
        return next;
    return make_listeners(conf, program, status);
}
