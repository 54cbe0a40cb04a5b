/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/servers.h"

#include "conf/fields.h"
#include "conf/secrets.h"
#include "formats/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_unused(void *arg, const char *key, bool known)
{
    const struct ss_origin *item = arg;
    char name[SS_QUOTE_MAX];
    (void)snprintf(name, sizeof name, "%.40s.%.30s", item->name, key);
    const struct ss_origin origin = {item->program, item->path, name};
    ss_complain(&origin, known ? "not supported, ignored" : "unknown key of a server, ignored");
}

int ss_servers_add(struct ss_conf *conf, const struct ss_origin *origin, json_object *object)
{
    char why[SS_ENTRY_WHY_MAX];
    struct ss_server server;
    struct ss_origin item = *origin;
    const struct ss_entry_notes notes = {.note = note_unused, .arg = &item};
    int rc = ss_entry_read(&server, object, &notes, why);
    if (rc == 0) /* a variable that is missing matters when the server is used */
        (void)ss_secrets_expand(&server.password, NULL);
    if (rc == 0 && !server.disabled && ss_server_list_add(&conf->list, &server) == -1) {
        rc = -1;
        (void)snprintf(why, sizeof why, "memory is out");
    }
    if (rc == -1)
        ss_complain(origin, "%s", why);
    ss_server_release(&server);
    return rc;
}

static int set(struct ss_conf *conf, const struct ss_origin *origin, const char *key,
               const char *text)
{
    return text == NULL ? 0 : ss_field_set(conf, ss_field_find(key), origin, text);
}

static void drop(char **text)
{
    ss_secret_free(*text);
    *text = NULL;
}

int ss_servers_use(struct ss_conf *conf, const struct ss_origin *origin, const struct ss_server *s)
{
    if (s->password != NULL) {
        drop(&conf->key);
        drop(&conf->password);
        drop(&conf->password_file);
    }
    if (!s->open || s->plugin != NULL) {
        drop(&conf->plugin);
        drop(&conf->plugin_opts);
    }
    int rc = set(conf, origin, "method", s->method) | set(conf, origin, "password", s->password) |
             set(conf, origin, "plugin", s->plugin) |
             set(conf, origin, "plugin_opts", s->plugin_opts);
    ss_users_of_conf_release(conf);
    conf->has_users = s->has_users;
    conf->fetched = s->fetched;
    for (size_t i = 0; i < s->users; i++)
        rc |= ss_users_of_conf_add(conf, s->user[i].name, s->user[i].key, &s->user[i].allowance);
    bool server = ss_programs[origin->program].role == SSP_SERVER;
    if (server && s->allowance.bytes != 0)
        conf->allowance.bytes = s->allowance.bytes;
    if (server && s->allowance.rate != 0)
        conf->allowance.rate = s->allowance.rate;
    conf->server[0] = s->endpoint;
    conf->servers = 1;
    memcpy(conf->prefix, s->prefix, s->prefix_len);
    conf->prefix_len = s->prefix_len;
    if (s->has_mode)
        rc |= set(conf, origin, "mode", ss_mode_name(s->mode));
    if (s->has_plugin_mode)
        rc |= set(conf, origin, "plugin_mode", ss_mode_name(s->plugin_mode));
    return rc == 0 ? 0 : -1;
}

static int fill(char **text, const char *beside)
{
    if (*text == NULL && beside != NULL)
        *text = strdup(beside);
    return *text != NULL || beside == NULL ? 0 : -1;
}

/* Gives each server of the list what it leaves out and what stands beside the list. */
static int fill_servers(struct ss_conf *conf, const struct ss_origin *origin)
{
    int rc = 0;
    (void)ss_secrets_expand(&conf->password, NULL);
    for (size_t i = 0; i < conf->list.n; i++) {
        rc |= fill(&conf->list.at[i].method, conf->method);
        rc |= fill(&conf->list.at[i].password, conf->key == NULL ? conf->password : NULL);
    }
    if (rc != 0)
        ss_complain(origin, "out of memory");
    return rc;
}

int ss_servers_settle(struct ss_conf *conf, const struct ss_origin *origin)
{
    bool own = conf->servers > 0, several = conf->list.n + (own ? 1 : 0) > 1;
    bool server = ss_programs[origin->program].role == SSP_SERVER;
    conf->apart = server && several;
    conf->many = !server && several;
    if (conf->list.n == 0 || conf->apart)
        return 0;
    if (fill_servers(conf, origin) == -1)
        return -1;
    conf->from_list = !several;
    return several ? 0 : ss_servers_use(conf, origin, &conf->list.at[0]);
}

/* An empty text beats that of a file, and is none. */
static int deny(char **text)
{
    if (*text == NULL)
        *text = strdup("");
    return *text != NULL ? 0 : -1;
}

int ss_servers_seal(struct ss_conf *conf)
{
    if (conf->list.n == 0)
        return 0;
    return deny(&conf->plugin) | deny(&conf->plugin_opts);
}
