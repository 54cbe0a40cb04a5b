/* SPDX-License-Identifier: Apache-2.0 */
#include "host/prepare.h"

#include "host/conf_check.h"
#include "host/environment.h"
#include "host/find.h"
#include "host/path_safety.h"
#include "host/report/failure.h"
#include "host/sandbox_paths.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOW_PORTS = 1024, NOTE_MAX = 512 };

int ssp__prepare_find(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap)
{
    const char *slash = strrchr(conf->plugin, '/');
    (void)snprintf(h->name, sizeof h->name, "%s", slash != NULL ? slash + 1 : conf->plugin);
    if (ssp__find_plugin(conf->plugin, conf->directory, h->path, sizeof h->path) == -1) {
        int error = errno;
        (void)snprintf(h->path, sizeof h->path, "%s", conf->plugin);
        ssp__failure_exec(h, error, why, cap);
        return -1;
    }
    return ssp__path_safety_check(h->path, why, cap);
}

/* What the guardian needs, from the fork on. */
struct provisions {
    struct ssp__privilege privilege;
    struct ssp__sandbox sandbox;
    bool sandboxed;
    char **env;
};

static void provisions_release(struct provisions *p)
{
    ssp__host_environment_free(p->env);
    if (p->sandboxed)
        ssp__sandbox_release(&p->sandbox);
}

/* Ports stay open: failover and the like dial what no contract names. */
static int build_sandbox(struct provisions *p, const ssp_host *h, const ssp_host_conf *conf,
                         char *why, size_t cap)
{
    const char *tmp = getenv("TMPDIR");
    const char *const writable[] = {tmp != NULL && tmp[0] == '/' ? tmp : "/tmp", NULL};
    char note[NOTE_MAX] = "";
    struct ssp__sandbox_paths reach;
    int rc = ssp__sandbox_paths_read(&reach, conf->options);
    if (rc == 0) {
        struct ssp__sandbox_rules rules = {
            .plugin = h->path, .readable = reach.path, .writable = writable};
        rc = ssp__sandbox_prepare(&p->sandbox, &rules, note, sizeof note);
    }
    ssp__sandbox_paths_release(&reach);
    p->sandboxed = rc == 0;
    if (rc == -1)
        (void)snprintf(why, cap, "sandbox of plugin %s: %s", h->name, note);
    else if (note[0] != '\0')
        ssp_info("%s", note);
    return rc;
}

static int provide(struct provisions *p, const ssp_host *h, const ssp_host_conf *conf, char *why,
                   size_t cap)
{
    if (ssp__privilege_prepare(&p->privilege, conf->user, why, cap) == -1)
        return -1;
    p->privilege.keep_net_bind =
        conf->role == SSP_SERVER && conf->remote_port != 0 && conf->remote_port < LOW_PORTS;
    if (conf->sandbox && build_sandbox(p, h, conf, why, cap) == -1)
        return -1;
    p->env = ssp__host_environment(conf);
    if (p->env != NULL)
        return 0;
    (void)snprintf(why, cap, "start plugin %s: out of memory", h->name);
    return -1;
}

int ssp__prepare_guardian(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap)
{
    struct provisions p = {.env = NULL};
    int rc = provide(&p, h, conf, why, cap);
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
                                          .unwatched = conf->ready != SSP_READY_LISTENS,
                                          .grace_ms = conf->grace_ms,
                                          .mode = conf->mode,
                                          .privilege = &p.privilege,
                                          .sandbox = p.sandboxed ? &p.sandbox : NULL};
        rc = ssp__guardian_start(&h->guardian, &plan);
        if (rc == -1)
            (void)snprintf(why, cap, "start the guardian of plugin %s: %s", h->name,
                           strerror(errno));
    }
    provisions_release(&p);
    return rc;
}
