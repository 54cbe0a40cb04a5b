/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/upstreams.h"

#include "conf/check.h"
#include "conf/fields.h"
#include "conf/merge.h"
#include "conf/secrets.h"
#include "conf/servers.h"
#include "conf/text.h"
#include "proto/method.h"

#include <stdio.h>
#include <stdlib.h>

/* NULL when memory is out. */
static struct ss_conf *add_copy(struct ss_conf *conf, const struct ss_conf *base)
{
    struct ss_conf *at = reallocarray(conf->upstream, conf->upstreams + 1, sizeof *at);
    if (at == NULL)
        return NULL;
    conf->upstream = at;
    at += conf->upstreams++;
    return ss_conf_copy(at, base) == 0 ? at : NULL;
}

/* Returns NULL, or why the server cannot be used. */
static const char *complete(struct ss_conf *one, const struct ss_server *server,
                            const struct ss_origin *origin, char why[SS_WHY_MAX])
{
    if (server->method != NULL && ss_method_find(server->method) == NULL)
        return "its method is not supported";
    if (ss_servers_use(one, origin, server) == -1 || ss_secrets_fetch(one, origin->program) == -1)
        return "its settings cannot be used";
    ss_fields_drop_empty(one);
    if (one->method == NULL && ss_text_replace(&one->method, SS_METHOD_DEFAULT) != 0)
        return "memory is out";
    const struct ss_method *method = ss_method_find(one->method);
    const struct ss_secret secret = {.password = one->password,
                                     .key = one->key,
                                     .role = SSP_CLIENT,
                                     .prefix = {one->prefix, one->prefix_len}};
    if (method == NULL)
        return "the method beside it is not supported";
    if (one->password == NULL && one->key == NULL)
        return "it has no password";
    return ss_method_check(method, &secret, why) == 0 ? NULL : why;
}

int ss_upstreams_add(struct ss_conf *conf, const struct ss_conf *base,
                     const struct ss_server *server, const struct ss_origin *origin)
{
    char label[SS_LABEL_MAX], why[SS_WHY_MAX];
    struct ss_conf *one = add_copy(conf, base);
    if (one == NULL) {
        ss_complain(origin, "out of memory");
        return -1;
    }
    const char *reason = complete(one, server, origin, why);
    if (reason == NULL)
        return 1;
    ss_complain(origin, "server %s: %s; skipped", ss_server_label(server, label), reason);
    ss_conf_release(&conf->upstream[--conf->upstreams]);
    return 0;
}

/* All that a and b carry. */
static ssp_mode both(ssp_mode a, ssp_mode b)
{
    return a == b ? a : SSP_TCP_AND_UDP;
}

static ssp_mode listening_mode(const struct ss_conf *conf)
{
    bool any = conf->local_port != 0 || conf->listeners == 0;
    ssp_mode mode = conf->mode;
    for (size_t i = 0; i < conf->listeners; i++) {
        const struct ss_listener *l = &conf->listener[i];
        ssp_mode own = l->has_mode ? l->mode : conf->mode;
        mode = any ? both(mode, own) : own;
        any = true;
    }
    return mode;
}

/* A server that says what it carries opens the listener for it. */
static void open_listener(struct ss_conf *conf)
{
    bool any = false;
    for (size_t i = 0; i < conf->list.n; i++)
        any = any || conf->list.at[i].has_mode;
    for (size_t i = 0; any && i < conf->upstreams; i++)
        conf->mode = i == 0 ? conf->upstream[i].mode : both(conf->mode, conf->upstream[i].mode);
}

/* The first that can be used, or, after a line about each, the last one, which says itself why it
 * cannot.  NULL when memory is out. */
static const struct ss_server *add_list(struct ss_conf *conf, const struct ss_conf *base,
                                        const struct ss_origin *origin)
{
    const struct ss_server *first = NULL;
    for (size_t i = 0; i < conf->list.n; i++) {
        const struct ss_server *server = &conf->list.at[i];
        bool last = i + 1 == conf->list.n && conf->upstreams == 0;
        int added = ss_upstreams_add(conf, base, server, origin);
        if (added == -1)
            return NULL;
        conf->mistaken = conf->mistaken || added == 0;
        if (first == NULL && (added == 1 || last))
            first = server;
    }
    return first;
}

/* The values of the first take the place of those of the conf, whose checks then hold for it. */
static enum ssp__next check(struct ss_conf *conf, const struct ss_conf *base,
                            enum ss_program program, int *status)
{
    const struct ss_origin origin = {.program = program};
    bool own = conf->servers > 0;
    if (own && ss_conf_check(conf, program, status) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    *status = SS_EXIT_FATAL;
    if (own && add_copy(conf, conf) == NULL) {
        ss_complain(&origin, "out of memory");
        return SSP_EXIT_WITH;
    }
    const struct ss_server *first = add_list(conf, base, &origin);
    if (first == NULL)
        return SSP_EXIT_WITH;
    if (!own) {
        conf->from_list = true;
        if (ss_servers_use(conf, &origin, first) == -1 ||
            ss_conf_check(conf, program, status) == SSP_EXIT_WITH)
            return SSP_EXIT_WITH;
    }
    open_listener(conf);
    return conf->check && conf->mistaken ? SSP_EXIT_WITH : SSP_GO_ON;
}

enum ssp__next ss_upstreams_make(struct ss_conf *conf, enum ss_program program, int *status)
{
    struct ss_conf base;
    enum ssp__next next = SSP_EXIT_WITH;
    *status = SS_EXIT_FATAL;
    ss_conf_complete(conf);
    if (ss_conf_copy(&base, conf) == 0) {
        base.servers = 0;
        base.mode = listening_mode(conf);
        next = check(conf, &base, program, status);
    } else {
        ss_complain(&(struct ss_origin){.program = program}, "out of memory");
    }
    ss_conf_release(&base);
    return next;
}
