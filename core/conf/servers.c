/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/servers.h"

#include "conf/fields.h"
#include "formats/url.h"
#include "proto/method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ss_servers_add_url(struct ss_conf *conf, const struct ss_origin *origin, const char *url)
{
    struct ss_server server;
    const char *why = ss_url_read(&server, url);
    if (why == NULL && ss_server_list_add(&conf->list, &server) == -1)
        why = "memory is out";
    if (why != NULL)
        ss_complain(origin, "not a usable ss:// URL: %s", why);
    ss_server_release(&server);
    return why == NULL ? 0 : -1;
}

/* False, with the reason, for a server that cannot be used. */
static bool usable(const struct ss_server *s, char why[SS_WHY_MAX])
{
    const struct ss_method *method = ss_method_find(s->method);
    const struct ss_secret secret = {
        .password = s->password, .role = SSP_CLIENT, .prefix = {s->prefix, s->prefix_len}};
    if (s->disabled || method == NULL) {
        (void)snprintf(why, SS_WHY_MAX, "%s",
                       s->disabled ? "disabled" : "its method is not supported");
        return false;
    }
    return ss_method_check(method, &secret, why) == 0;
}

/* The first that can be used; the last one, if none can, says itself why. */
static const struct ss_server *choose(const struct ss_conf *conf, const struct ss_origin *origin)
{
    char label[SS_LABEL_MAX], why[SS_WHY_MAX];
    size_t last = conf->list.n - 1;
    for (size_t i = 0; i < last; i++) {
        if (usable(&conf->list.at[i], why))
            return &conf->list.at[i];
        if (!conf->list.at[i].disabled)
            ss_complain(origin, "server %s: %s; skipped", ss_server_label(&conf->list.at[i], label),
                        why);
    }
    return &conf->list.at[last];
}

static int set(struct ss_conf *conf, const struct ss_origin *origin, const char *key,
               const char *text)
{
    return text == NULL ? 0 : ss_field_set(conf, ss_field_find(key), origin, text);
}

static int use(struct ss_conf *conf, const struct ss_origin *origin, const struct ss_server *s)
{
    int rc = set(conf, origin, "method", s->method) | set(conf, origin, "password", s->password) |
             set(conf, origin, "plugin", s->plugin) |
             set(conf, origin, "plugin_opts", s->plugin_opts);
    ss_secret_free(conf->key);
    conf->key = NULL;
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

int ss_servers_settle(struct ss_conf *conf, const struct ss_origin *origin)
{
    char label[SS_LABEL_MAX];
    if (conf->list.n == 0)
        return 0;
    bool own = conf->servers > 0;
    const struct ss_server *chosen = own ? NULL : choose(conf, origin);
    if (chosen != NULL && chosen->disabled) {
        ss_complain(origin, "every server is disabled (expected one that is not)");
        return -1;
    }
    if (chosen != NULL && use(conf, origin, chosen) == -1)
        return -1;
    if (conf->list.n > 1 || own)
        ss_complain(origin,
                    "one of %zu servers is used, %s: this program does not choose among "
                    "servers with settings of their own",
                    conf->list.n + (own ? 1 : 0),
                    own ? "that of \"server\"" : ss_server_label(chosen, label));
    return 0;
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
