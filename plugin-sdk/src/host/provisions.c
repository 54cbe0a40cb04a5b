/* SPDX-License-Identifier: Apache-2.0 */
#include "host/provisions.h"

#include "host/access.h"
#include "host/environment.h"
#include "host/image.h"
#include "host/own_user.h"
#include "host/sandbox_paths.h"
#include "host/sandbox_ports.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOW_PORTS = 1024, NOTE_MAX = 512, ACCOUNT_BYTES = 4096, SEED_MAX = 512, VARIABLES = 2 };

/* The files that a plugin is given beyond its own. */
struct reach {
    struct ssp__sandbox_paths readable, writable;
};

struct provisioning {
    struct ssp__provisions *p;
    const ssp_host_conf *conf;
    const char *path; /* of the plugin's file */
    struct reach reach;
    char *why;
    size_t cap;
};

void ssp__provisions_release(struct ssp__provisions *p)
{
    ssp__host_environment_free(p->env);
    if (p->sandboxed)
        ssp__sandbox_release(&p->sandbox);
    if (p->user_lock != -1)
        (void)close(p->user_lock);
    *p = (struct ssp__provisions){.user_lock = -1};
}

/* ---- the user ---- */

/* The home directory of the user that the plugin runs as; text has what it points to. */
static const char *home_of(const struct ssp__privilege *p, char *text, size_t cap)
{
    struct passwd entry, *found = NULL;
    uid_t uid = p->change ? p->uid : geteuid();
    return getpwuid_r(uid, &entry, text, cap, &found) == 0 && found != NULL ? found->pw_dir : NULL;
}

/* The file of the plugin, or what an option names, that its own user cannot read; NULL: none. */
static const char *unreadable(const struct provisioning *w)
{
    const struct ssp__privilege *user = &w->p->privilege;
    const struct ssp__sandbox_paths *named = &w->reach.readable;
    if (!ssp__access(user, w->path, X_OK))
        return w->path;
    for (size_t i = 0; i < named->n; i++) {
        if (named->named[i] && access(named->path[i], F_OK) == 0 &&
            !ssp__access(user, named->path[i], R_OK))
            return named->path[i];
    }
    return NULL;
}

static void hand_over(struct provisioning *w)
{
    const char *file = unreadable(w);
    if (file == NULL)
        return;
    w->p->privilege.keep_read = true;
    ssp_info("plugin %s, as its user %u, reads %s by CAP_DAC_READ_SEARCH, within its sandbox: give "
             "that user access, or name an account that has it in plugin_user",
             w->conf->plugin, (unsigned)w->p->privilege.uid, file);
}

static int check_writable(struct provisioning *w)
{
    const struct ssp__sandbox_paths *writable = &w->reach.writable;
    for (size_t i = 0; i < writable->n; i++) {
        if (ssp__access(&w->p->privilege, writable->path[i], W_OK))
            continue;
        (void)snprintf(w->why, w->cap,
                       "plugin_writable: user %u, which the plugin has to itself, cannot change "
                       "%.200s: chown it to an account and name that in plugin_user, or root there",
                       (unsigned)w->p->privilege.uid, writable->path[i]);
        return -1;
    }
    return 0;
}

/* Root names no user: the plugin gets one of its own. */
static int choose_user(struct provisioning *w)
{
    char seed[SEED_MAX];
    const ssp_host_conf *c = w->conf;
    if (!c->sandbox || geteuid() != 0 || (c->user != NULL && *c->user != '\0'))
        return 0;
    if (w->reach.readable.of_account) {
        ssp_info("plugin %s runs as root, to find its certificate in the home directory of that "
                 "account: name cert and key in plugin_opts, and it gets a user of its own",
                 c->plugin);
        return 0;
    }
    (void)snprintf(seed, sizeof seed, "%s %d %s %u", c->plugin, (int)c->role, c->remote_host,
                   c->remote_port);
    if (!ssp__own_user(&w->p->privilege, seed, &w->p->user_lock)) {
        ssp_info("plugin %s runs as root: this process cannot take another user; start it as an "
                 "account without privileges",
                 c->plugin);
        return 0;
    }
    if (!ssp__access_alone(&w->p->privilege, w->path, X_OK)) {
        w->p->privilege = (struct ssp__privilege){.change = false};
        ssp_info(
            "plugin %s runs as root, who alone may execute it: chmod 755 %s, and it gets a user "
            "of its own",
            c->plugin, w->path);
        return 0;
    }
    hand_over(w);
    return check_writable(w);
}

/* ---- the sandbox ---- */

/* Certificate authorities that the environment names. */
static void add_variables(const char *list[], size_t n)
{
    static const char *const names[VARIABLES] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *path = getenv(names[i]);
        if (path != NULL && path[0] == '/')
            list[n++] = path;
    }
    list[n] = NULL;
}

static bool names(const char *options, const char *word)
{
    return options != NULL && strstr(options, word) != NULL;
}

static int enclose(struct provisioning *w, char *note, size_t cap)
{
    struct ssp__provisions *p = w->p;
    struct ssp__sandbox_ports ports;
    if (ssp__sandbox_ports_read(&ports, w->conf, &w->reach.readable, note, cap) == -1)
        return -1;
    bool any = ports.any || ssp__image_needs_ports(w->path);
    const char *changed[SSP_REACH_MAX + 2] = {p->temporary};
    const char *read[SSP_REACH_MAX + VARIABLES + 1];
    memcpy(changed + 1, w->reach.writable.path, sizeof w->reach.writable.path);
    memcpy(read, w->reach.readable.path, w->reach.readable.n * sizeof *read);
    add_variables(read, w->reach.readable.n);
    struct ssp__sandbox_rules rules = {.plugin = w->path,
                                       .readable = read,
                                       .writable = changed,
                                       .hidden = w->conf->hidden,
                                       .bind_ports = any ? NULL : ports.bind,
                                       .connect_ports = any ? NULL : ports.connect,
                                       .mptcp = names(w->conf->options, "mptcp")};
    int rc = ssp__sandbox_prepare(&p->sandbox, &rules, note, cap);
    p->sandboxed = rc == 0;
    if (rc == -1 || !p->privilege.keep_read || p->sandbox.abi > 0)
        return rc;
    (void)snprintf(note, cap,
                   "%s is open to root only, and without Landlock the kernel cannot open that file "
                   "alone: name an account that may read it in plugin_user, or root",
                   unreadable(w));
    return -1;
}

static int share_nothing(struct provisioning *w)
{
    struct ssp__provisions *p = w->p;
    if (ssp__temporary_make(&p->privilege, p->temporary) == -1) {
        (void)snprintf(w->why, w->cap,
                       "make a directory for the temporary files of plugin %s: %s: TMPDIR or /tmp "
                       "has to be writable",
                       w->conf->plugin, strerror(errno));
        return -1;
    }
    p->directory = p->temporary;
    if (w->reach.readable.relative) {
        p->directory = NULL;
        ssp_info("plugin %s works in the directory of its host, since its options name a file "
                 "there: an absolute path gives it a directory of its own",
                 w->conf->plugin);
    }
    return 0;
}

static int build_sandbox(struct provisioning *w)
{
    char note[NOTE_MAX] = "";
    if (share_nothing(w) == -1)
        return -1;
    int rc = enclose(w, note, sizeof note);
    if (rc == -1)
        (void)snprintf(w->why, w->cap, "sandbox of plugin %s: %s", w->conf->plugin,
                       note[0] != '\0' ? note : "out of memory");
    else if (note[0] != '\0')
        ssp_info("%s", note);
    return rc;
}

/* ---- all of it ---- */

static int read_options(struct provisioning *w)
{
    char account[ACCOUNT_BYTES], note[NOTE_MAX] = "out of memory";
    struct ssp__sandbox_naming naming = {.options = w->conf->options,
                                         .plugin = w->conf->plugin,
                                         .home =
                                             home_of(&w->p->privilege, account, sizeof account)};
    if (ssp__sandbox_paths_split(&w->reach.writable, w->conf->writable, note, sizeof note) == 0 &&
        ssp__sandbox_paths_read(&w->reach.readable, &naming) == 0)
        return 0;
    (void)snprintf(w->why, w->cap, "sandbox of plugin %s: %s", w->conf->plugin, note);
    return -1;
}

static int confine(struct provisioning *w)
{
    int rc = read_options(w);
    if (rc == 0)
        rc = choose_user(w);
    if (rc == 0)
        rc = build_sandbox(w);
    ssp__sandbox_paths_release(&w->reach.readable);
    ssp__sandbox_paths_release(&w->reach.writable);
    return rc;
}

int ssp__provisions_prepare(struct ssp__provisions *p, const char *path, const ssp_host_conf *conf,
                            char *why, size_t cap)
{
    struct provisioning w = {.p = p, .conf = conf, .path = path, .why = why, .cap = cap};
    *p = (struct ssp__provisions){.user_lock = -1};
    if (ssp__privilege_prepare(&p->privilege, conf->user, why, cap) == -1)
        return -1;
    if (conf->sandbox && confine(&w) == -1) {
        ssp__temporary_remove(p->temporary);
        return -1;
    }
    p->privilege.keep_net_bind =
        conf->role == SSP_SERVER && conf->remote_port != 0 && conf->remote_port < LOW_PORTS;
    /* A plugin that hosts others passes on what it was handed. */
    if (!conf->sandbox && geteuid() != 0)
        p->privilege.keep_read = true;
    p->env = ssp__host_environment(conf, p->temporary[0] != '\0' ? p->temporary : NULL);
    if (p->env != NULL)
        return 0;
    ssp__temporary_remove(p->temporary);
    (void)snprintf(why, cap, "start plugin %s: out of memory", conf->plugin);
    return -1;
}
