/* SPDX-License-Identifier: Apache-2.0 */
#include "host/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 24 };

/* What a plugin may see of the host's environment.  SS_* is never inherited: an outer host's
 * options must not leak through. */
static const char *const inherited[] = {
    "PATH", "HOME",   "USER",          "LANG",         "LC_ALL",   "LC_CTYPE",     "TZ",
    "TERM", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR", "ASAN_OPTIONS", "LSAN_OPTIONS",
};

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

static void add_port(struct list *l, const char *name, uint16_t port)
{
    char text[8];
    (void)snprintf(text, sizeof text, "%u", port);
    add(l, name, text);
}

char **ssp_host_environment(const struct ssp_host_conf *conf)
{
    struct list l = {.entry = calloc(ENTRIES_MAX, sizeof *l.entry)};
    if (l.entry == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++) {
        const char *value = getenv(inherited[i]);
        if (value != NULL)
            add(&l, inherited[i], value);
    }
    add(&l, "SS_REMOTE_HOST", conf->remote_host);
    add_port(&l, "SS_REMOTE_PORT", conf->remote_port);
    add(&l, "SS_LOCAL_HOST", conf->local_host);
    add_port(&l, "SS_LOCAL_PORT", conf->local_port);
    if (conf->options != NULL && *conf->options != '\0')
        add(&l, "SS_PLUGIN_OPTIONS", conf->options);
    add(&l, "SS_PLUGIN_ROLE", conf->role == SSP_CLIENT ? "client" : "server");
    add(&l, "SS_EXIT_ON_STDIN_CLOSE", "1");
    if (!l.failed)
        return l.entry;
    ssp_host_environment_free(l.entry);
    return NULL;
}

void ssp_host_environment_free(char **env)
{
    for (char **e = env; e != NULL && *e != NULL; e++)
        free(*e);
    free(env);
}
