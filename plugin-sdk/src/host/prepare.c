/* SPDX-License-Identifier: Apache-2.0 */
#include "host/prepare.h"

#include "host/conf_check.h"
#include "host/environment.h"
#include "host/find.h"
#include "host/path_safety.h"
#include "host/report/failure.h"
#include "host/report/mistaken.h"
#include "host/sandbox_paths.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOW_PORTS = 1024, NOTE_MAX = 512, ACCOUNT_BYTES = 4096 };

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

void ssp__provisions_release(struct ssp__provisions *p)
{
    ssp__host_environment_free(p->env);
    if (p->sandboxed)
        ssp__sandbox_release(&p->sandbox);
    *p = (struct ssp__provisions){.env = NULL};
}

/* The home directory of the user that the plugin runs as; text has what it points to. */
static const char *home_of(const struct ssp__privilege *p, char *text, size_t cap)
{
    struct passwd entry, *found = NULL;
    uid_t uid = p->change ? p->uid : geteuid();
    return getpwuid_r(uid, &entry, text, cap, &found) == 0 && found != NULL ? found->pw_dir : NULL;
}

/* The files that a plugin is given beyond its own. */
struct reach {
    struct ssp__sandbox_paths readable, writable;
};

/* Ports stay open: options such as failover dial ports that the contract does not name. */
static int enclose(struct ssp__provisions *p, const struct reach *reach, const char *path,
                   char *note, size_t cap)
{
    const char *tmp = getenv("TMPDIR");
    const char *changed[SSP_REACH_MAX + 2] = {tmp != NULL && tmp[0] == '/' ? tmp : "/tmp"};
    memcpy(changed + 1, reach->writable.path, sizeof reach->writable.path);
    struct ssp__sandbox_rules rules = {
        .plugin = path, .readable = reach->readable.path, .writable = changed};
    return ssp__sandbox_prepare(&p->sandbox, &rules, note, cap);
}

static int build_sandbox(struct ssp__provisions *p, const char *path, const ssp_host_conf *conf,
                         char *why, size_t cap)
{
    char note[NOTE_MAX] = "", account[ACCOUNT_BYTES];
    struct ssp__sandbox_naming naming = {.options = conf->options,
                                         .plugin = conf->plugin,
                                         .home = home_of(&p->privilege, account, sizeof account)};
    struct reach reach;
    int rc = ssp__sandbox_paths_split(&reach.writable, conf->writable, note, sizeof note);
    if (rc == 0) {
        note[0] = '\0';
        rc = ssp__sandbox_paths_read(&reach.readable, &naming);
        if (rc == 0)
            rc = enclose(p, &reach, path, note, sizeof note);
        ssp__sandbox_paths_release(&reach.readable);
    }
    ssp__sandbox_paths_release(&reach.writable);
    p->sandboxed = rc == 0;
    if (rc == -1)
        (void)snprintf(why, cap, "sandbox of plugin %s: %s", conf->plugin,
                       note[0] != '\0' ? note : "out of memory");
    else if (note[0] != '\0')
        ssp_info("%s", note);
    return rc;
}

int ssp__provisions_prepare(struct ssp__provisions *p, const char *path, const ssp_host_conf *conf,
                            char *why, size_t cap)
{
    *p = (struct ssp__provisions){.env = NULL};
    if (ssp__privilege_prepare(&p->privilege, conf->user, why, cap) == -1)
        return -1;
    p->privilege.keep_net_bind =
        conf->role == SSP_SERVER && conf->remote_port != 0 && conf->remote_port < LOW_PORTS;
    if (conf->sandbox && build_sandbox(p, path, conf, why, cap) == -1)
        return -1;
    p->env = ssp__host_environment(conf);
    if (p->env != NULL)
        return 0;
    (void)snprintf(why, cap, "start plugin %s: out of memory", conf->plugin);
    return -1;
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
    ssp__provisions_release(&p);
    return rc;
}
