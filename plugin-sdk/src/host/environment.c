/* SPDX-License-Identifier: Apache-2.0 */
#include "host/environment.h"

#include "contract/inherited.h"
#include "host/process/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OURS_MAX = 24 }; /* entries before those the program asks for */

static const char *const modes[] = {
    [SSP_TCP_ONLY] = "tcp_only",
    [SSP_UDP_ONLY] = "udp_only",
    [SSP_TCP_AND_UDP] = "tcp_and_udp",
};

const char *ssp__host_mode(ssp_mode mode)
{
    return modes[mode];
}

struct list {
    char **entry;
    unsigned n;
    bool failed;
};

static void add(struct list *l, const char *name, const char *value)
{
    if (asprintf(&l->entry[l->n], "%s=%s", name, value) == -1) {
        l->entry[l->n] = NULL;
        l->failed = true;
        return;
    }
    l->n++;
}

static void add_number(struct list *l, const char *name, unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    add(l, name, text);
}

/* "NAME=value" replaces the entry, "NAME" removes it. */
static void set(struct list *l, const char *variable)
{
    size_t name = strcspn(variable, "=");
    for (unsigned i = 0; i < l->n; i++) {
        if (strncmp(l->entry[i], variable, name) != 0 || l->entry[i][name] != '=')
            continue;
        free(l->entry[i]);
        l->entry[i] = l->entry[--l->n];
        l->entry[l->n] = NULL;
        break;
    }
    if (variable[name] == '\0')
        return;
    l->entry[l->n] = strdup(variable);
    l->failed = l->failed || l->entry[l->n] == NULL;
    l->n += l->entry[l->n] != NULL;
}

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

char **ssp__host_environment(const ssp_host_conf *conf, const char *temporary)
{
    struct list l = {.entry = calloc(OURS_MAX + count(conf->variables), sizeof *l.entry)};
    if (l.entry == NULL)
        return NULL;
    for (const char *const *name = ssp__inherited_names; *name != NULL; name++) {
        bool is_temporary = temporary != NULL && strcmp(*name, "TMPDIR") == 0;
        const char *value = is_temporary ? temporary : getenv(*name);
        if (value != NULL)
            add(&l, *name, value);
    }
    add(&l, "SS_REMOTE_HOST", conf->remote_host);
    add_number(&l, "SS_REMOTE_PORT", conf->remote_port);
    add(&l, "SS_LOCAL_HOST", conf->local_host);
    add_number(&l, "SS_LOCAL_PORT", conf->local_port);
    if (conf->options != NULL && *conf->options != '\0')
        add(&l, "SS_PLUGIN_OPTIONS", conf->options);
    add(&l, "SS_PLUGIN_ROLE", conf->role == SSP_CLIENT ? "client" : "server");
    add(&l, "SS_PLUGIN_MODE", modes[conf->mode]);
    add_number(&l, "SS_PLUGIN_NOTIFY_FD", SSP_NOTIFY_FD);
    add(&l, "SS_EXIT_ON_STDIN_CLOSE", "1");
    for (const char *const *v = conf->variables; v != NULL && *v != NULL; v++)
        set(&l, *v);
    if (!l.failed)
        return l.entry;
    ssp__host_environment_free(l.entry);
    return NULL;
}

void ssp__host_environment_free(char **env)
{
    for (char **e = env; e != NULL && *e != NULL; e++)
        free(*e);
    free(env);
}
