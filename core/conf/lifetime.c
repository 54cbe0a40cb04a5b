/* SPDX-License-Identifier: Apache-2.0 */
/* A conf is copied, and its secrets and itself are released. */
#include "conf/accounts.h"
#include "conf/fields.h"
#include "conf/online.h"
#include "conf/ports.h"
#include "conf/secrets.h"
#include "conf/text.h"

#include <stdlib.h>
#include <string.h>

void ss_conf_forget_key(struct ss_conf *conf)
{
    ss_text_drop(&conf->password, true);
    ss_text_drop(&conf->key, true);
    for (size_t i = 0; i < conf->user_texts; i++)
        ss_text_drop(&conf->user_text[i].key, true);
    for (size_t i = 0; i < conf->list.n; i++) {
        ss_text_drop(&conf->list.at[i].password, true);
        for (size_t k = 0; k < conf->list.at[i].users; k++)
            ss_text_drop(&conf->list.at[i].user[k].key, true);
    }
    for (size_t i = 0; i < conf->upstreams; i++)
        ss_conf_forget_key(&conf->upstream[i]);
}

int ss_conf_copy(struct ss_conf *out, const struct ss_conf *conf)
{
    *out = *conf;
    out->list = (struct ss_server_list){.n = 0};
    out->listener = NULL;
    out->online = (struct ss_online){.url = NULL};
    out->instance = NULL;
    out->ports = NULL;
    out->port_count = 0;
    out->upstream = NULL;
    out->whole = NULL;
    out->listeners = out->instances = out->upstreams = 0;
    out->users = NULL;
    out->user_text = NULL;
    out->user_texts = 0;
    out->path = NULL;
    out->account = NULL;
    out->accounts = 0;
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        if (ss_field_holds_text(field))
            *(char **)ss_field_member(out, field) = NULL;
    }
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        const char *text = ss_field_holds_text(field) ? *ss_field_text(conf, field) : NULL;
        if (text != NULL && ss_text_replace(ss_field_member(out, field), text) != 0)
            return -1;
    }
    if (ss_text_replace(&out->path, conf->path) != 0)
        return -1;
    for (size_t i = 0; i < conf->user_texts; i++) {
        const struct ss_user_text *user = &conf->user_text[i];
        if (ss_users_of_conf_add(out, user->name, user->key, &user->allowance) == -1)
            return -1;
    }
    return ss_conf_accounts_copy(out, conf);
}

static void release_listeners(struct ss_conf *conf)
{
    for (size_t i = 0; i < conf->listeners; i++) {
        free(conf->listener[i].address);
        free(conf->listener[i].target);
    }
    free(conf->listener);
    conf->listener = NULL;
    conf->listeners = 0;
}

static void release_confs(struct ss_conf **conf, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        ss_conf_release(&(*conf)[i]);
    free(*conf);
    *conf = NULL;
    *n = 0;
}

void ss_conf_release(struct ss_conf *conf)
{
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        if (ss_field_holds_text(field))
            ss_text_drop(ss_field_member(conf, field), (field->flags & SS_SECRET) != 0);
    }
    ss_server_list_release(&conf->list);
    release_listeners(conf);
    ss_online_release(conf);
    release_confs(&conf->instance, &conf->instances);
    release_confs(&conf->upstream, &conf->upstreams);
    ss_ports_release(conf);
    ss_users_of_conf_release(conf);
    ss_conf_accounts_release(conf);
    free(conf->path);
    *conf = (struct ss_conf){.servers = 0};
}
