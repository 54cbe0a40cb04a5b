/* SPDX-License-Identifier: Apache-2.0 */
#include "host/prepare.h"

#include "host/conf_check.h"
#include "host/find.h"
#include "host/path_safety.h"
#include "host/provisions.h"
#include "host/report/failure.h"
#include "host/report/mistaken.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Options behind the name may be secret: only the name is logged. */
static void name_without_options(ssp_host *h, const char *plugin)
{
    size_t n = ssp__mistaken_options(plugin);
    const char *slash = memrchr(plugin, '/', n), *name = slash != NULL ? slash + 1 : plugin;
    (void)snprintf(h->name, sizeof h->name, "%.*s", (int)(plugin + n - name), name);
}

int ssp__prepare_find(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap)
{
    char meant[PATH_MAX];
    const char *slash = strrchr(conf->plugin, '/');
    (void)snprintf(h->name, sizeof h->name, "%s", slash != NULL ? slash + 1 : conf->plugin);
    if (ssp__find_plugin(conf->plugin, conf->directory, h->path, sizeof h->path) == -1) {
        int error = errno;
        (void)snprintf(meant, sizeof meant, "%s", h->path);
        (void)snprintf(h->path, sizeof h->path, "%s", conf->plugin);
        name_without_options(h, conf->plugin);
        ssp__failure_exec(h, error, meant, why, cap);
        return -1;
    }
    return ssp__path_safety_check(h->path, why, cap);
}

int ssp__prepare_guardian(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap)
{
    struct ssp__provisions p;
    int rc = ssp__provisions_prepare(&p, h->path, conf, why, cap);
    if (rc == 0) {
        bool server = conf->role == SSP_SERVER, chosen = ssp__conf_check_choose_port(conf);
        const char *port_variable = server ? "SS_REMOTE_PORT=" : "SS_LOCAL_PORT=";
        struct ssp__guardian_plan plan = {.path = h->path,
                                          .name = h->name,
                                          .argv = conf->argv,
                                          .env = p.env,
                                          .port_variable = chosen ? port_variable : NULL,
                                          .shares_port = server && !chosen,
                                          .any_wire = server && !chosen,
                                          .loopback = ssp__conf_check_private(conf),
                                          .unwatched = conf->ready != SSP_READY_LISTENS,
                                          .grace_ms = conf->grace_ms,
                                          .mode = conf->mode,
                                          .privilege = &p.privilege,
                                          .directory = p.directory,
                                          .temporary = p.temporary,
                                          .sandbox = p.sandboxed ? &p.sandbox : NULL};
        rc = ssp__guardian_start(&h->guardian, &plan);
        if (rc == -1)
            (void)snprintf(why, cap, "start the guardian of plugin %s: %s", h->name,
                           strerror(errno));
        (void)snprintf(h->temporary, sizeof h->temporary, "%s", p.temporary);
        h->user_lock = p.user_lock;
        p.user_lock = -1;
    }
    ssp__provisions_release(&p);
    return rc;
}
