/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sandbox_paths.h"

#include <ssplugin/options.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ACCOUNT_BYTES = 4096, DEEP = 2 };

struct collection {
    struct ssp__sandbox_paths *reach;
    const struct ssp__sandbox_naming *naming;
    bool failed; /* memory is out */
};

/* ---- directories ---- */

static bool is_same(const struct stat *st, const char *path)
{
    struct stat other;
    return stat(path, &other) == 0 && st->st_dev == other.st_dev && st->st_ino == other.st_ino;
}

bool ssp__sandbox_paths_shared(const char *directory)
{
    struct passwd entry, *owner = NULL;
    char text[ACCOUNT_BYTES];
    struct stat st;
    if (stat(directory, &st) == -1 || (st.st_mode & S_IWOTH) != 0 || is_same(&st, "/"))
        return true;
    return getpwuid_r(st.st_uid, &entry, text, sizeof text, &owner) == 0 && owner != NULL &&
           is_same(&st, owner->pw_dir);
}

/* POSIX lets "//" be another root, and realpath() of musl keeps it; Linux has one root. */
static bool resolve(const char *path, char real[PATH_MAX])
{
    if (realpath(path, real) == NULL)
        return false;
    if (real[1] == '/')
        memmove(real, real + 1, strlen(real));
    return true;
}

/* Directories with files of all programs. */
static bool is_crowded(const char *directory)
{
    static const char *const crowded[] = {
        "/boot",    "/dev",       "/etc",          "/etc/pki", "/etc/pki/tls", "/etc/ssl",
        "/home",    "/media",     "/mnt",          "/opt",     "/root",        "/run",
        "/srv",     "/var",       "/var/cache",    "/var/lib", "/var/log",     "/var/spool",
        "/var/tmp", "/usr/local", "/usr/local/etc"};
    for (size_t i = 0; i < sizeof crowded / sizeof *crowded; i++) {
        if (strcmp(directory, crowded[i]) == 0)
            return true;
    }
    return ssp__sandbox_paths_shared(directory);
}

static unsigned depth(const char *path)
{
    unsigned n = 0;
    for (; *path != '\0'; path++)
        n += *path == '/';
    return n;
}

/* ---- collecting ---- */

/* An option path=/ is about a URL: it does not mean the root, which holds all. */
static bool is_root(const char *path)
{
    struct stat st;
    return *path == '\0' || (stat(path, &st) == 0 && is_same(&st, "/"));
}

static void add(struct collection *c, const char *path)
{
    struct ssp__sandbox_paths *reach = c->reach;
    if (reach->n == SSP_REACH_MAX || is_root(path))
        return;
    for (size_t i = 0; i < reach->n; i++) {
        if (strcmp(reach->path[i], path) == 0)
            return;
    }
    reach->path[reach->n] = strdup(path);
    c->failed = c->failed || reach->path[reach->n] == NULL;
    reach->n += reach->path[reach->n] != NULL;
}

/* Cuts the last name off; false when "/" or nothing would be left. */
static bool cut(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return false;
    *slash = '\0';
    return true;
}

/* A file that is replaced by renaming is a new file: its directory has to be readable, and the one
 * above it in case that the directory is replaced. */
static void add_above(struct collection *c, const char *path)
{
    char directory[PATH_MAX], real[PATH_MAX];
    (void)snprintf(directory, sizeof directory, "%s", path);
    if (!cut(directory))
        return;
    bool there = resolve(directory, real);
    if (!there || !is_crowded(real))
        add(c, directory);
    if (there && depth(real) > DEEP && cut(real) && !is_crowded(real))
        add(c, real);
}

/* A symlink on the way may be changed to point to a neighbour of its target. */
static void add_beside_symlinks(struct collection *c, const char *path)
{
    char part[PATH_MAX], real[PATH_MAX];
    struct stat st;
    for (const char *end = strchr(path + 1, '/'); end != NULL; end = strchr(end + 1, '/')) {
        int n = (int)(end - path);
        (void)snprintf(part, sizeof part, "%.*s", n, path);
        if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode) && resolve(part, real) && cut(real) &&
            !is_crowded(real))
            add(c, real);
    }
}

static void add_named(struct collection *c, const char *path)
{
    size_t before = c->reach->n;
    add(c, path);
    if (c->reach->n > before)
        c->reach->named[before] = true;
}

static void add_file(struct collection *c, const char *path)
{
    char real[PATH_MAX];
    if (strlen(path) >= PATH_MAX)
        return;
    add_named(c, path);
    add_above(c, path);
    add_beside_symlinks(c, path);
    if (resolve(path, real) && strcmp(real, path) != 0)
        add_above(c, real);
}

/* ---- paths in options ---- */

static void add_below_home(struct collection *c, const char *rest)
{
    char path[PATH_MAX];
    if (c->naming->home != NULL &&
        (size_t)snprintf(path, sizeof path, "%s/%s", c->naming->home, rest) < sizeof path)
        add_file(c, path);
}

/* A file that the plugin is to make. */
static bool parent_is_there(const char *path)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%s", path);
    return cut(parent) && access(parent, F_OK) == 0;
}

/* A word alone may be the name of a file, but seldom of a directory. */
static void add_relative(struct collection *c, const char *text)
{
    char path[PATH_MAX];
    struct stat st;
    size_t n = getcwd(path, sizeof path) != NULL ? strlen(path) : 0;
    if (*text == '\0' || n == 0 || n + 1 + strlen(text) >= sizeof path)
        return;
    (void)snprintf(path + n, sizeof path - n, "%s%s", n > 1 ? "/" : "", text);
    if (strchr(text, '/') != NULL)
        c->reach->relative = c->reach->relative || parent_is_there(path);
    if (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || strchr(text, '/') != NULL)) {
        add_file(c, path);
        c->reach->relative = true;
    }
}

static void consider(struct collection *c, const char *text)
{
    if (text[0] == '/')
        add_file(c, text);
    else if (strncmp(text, "~/", 2) == 0)
        add_below_home(c, text + 2);
    else
        add_relative(c, text);
}

/* Lists of files, commands, and the options of plugins in plugins. */
static void consider_parts(struct collection *c, const char *text)
{
    static const char separators[] = ",;:|= ";
    char part[PATH_MAX];
    if (strpbrk(text, separators) == NULL)
        return;
    while (*text != '\0') {
        text += strspn(text, separators);
        size_t n = strcspn(text, separators);
        if (n > 0 && n < sizeof part) {
            (void)snprintf(part, sizeof part, "%.*s", (int)n, text);
            if (part[0] != '/' || access(part, F_OK) == 0)
                consider(c, part);
        }
        text += n;
    }
}

/* Plugins that open files below the home directory without an option for them. */
static const struct known {
    const char *plugin, *key; /* the option with the name of the directory */
} known[] = {
    {"v2ray-plugin", "host"},
    {"xray-plugin", "host"},
    {"ws-wrap", "host"},
    {"qtun-server", "acme_host"},
};

static void add_known(struct collection *c, const ssp_item *item)
{
    char path[PATH_MAX];
    for (size_t i = 0; c->naming->plugin != NULL && i < sizeof known / sizeof *known; i++) {
        if (c->naming->home == NULL || strstr(c->naming->plugin, known[i].plugin) == NULL ||
            strcmp(item->key, known[i].key) != 0 || strchr(item->value, '/') != NULL)
            continue;
        int n = snprintf(path, sizeof path, "%s/.acme.sh/%s", c->naming->home, item->value);
        if (n <= 0 || (size_t)n >= sizeof path)
            continue;
        add_named(c, path);
        c->reach->of_account = c->reach->of_account || access(path, F_OK) == 0;
    }
}

static void consider_item(struct collection *c, const ssp_item *item)
{
    consider(c, item->key);
    consider_parts(c, item->key);
    if (item->value == NULL || *item->value == '\0')
        return;
    consider(c, item->value);
    consider_parts(c, item->value);
    add_known(c, item);
}

int ssp__sandbox_paths_read(struct ssp__sandbox_paths *reach,
                            const struct ssp__sandbox_naming *naming)
{
    struct collection c = {.reach = reach, .naming = naming};
    const char *options = naming->options;
    ssp_item item;
    *reach = (struct ssp__sandbox_paths){.n = 0};
    if (options == NULL)
        return 0;
    size_t cap = strlen(options) + 2;
    char *text = malloc(cap);
    if (text == NULL)
        return -1;
    if (options[0] != '/' || access(options, F_OK) == 0)
        consider(&c, options);
    /* The plugin reports a malformed rest. */
    while (ssp_options_next(&options, text, cap, &item) == 1)
        consider_item(&c, &item);
    free(text);
    return c.failed ? -1 : 0;
}

int ssp__sandbox_paths_split(struct ssp__sandbox_paths *reach, const char *list, char *why,
                             size_t cap)
{
    struct collection c = {.reach = reach};
    char path[PATH_MAX];
    *reach = (struct ssp__sandbox_paths){.n = 0};
    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, ":");
        (void)snprintf(path, sizeof path, "%.*s", (int)n, list);
        if (n >= sizeof path || path[0] != '/' || access(path, F_OK) == -1) {
            (void)snprintf(why, cap, "plugin_writable: \"%.200s\": %s", path,
                           path[0] != '/' ? "not an absolute path" : strerror(errno));
            return -1;
        }
        add(&c, path);
        list += n + (list[n] == ':');
    }
    (void)snprintf(why, cap, "out of memory");
    return c.failed ? -1 : 0;
}

void ssp__sandbox_paths_release(struct ssp__sandbox_paths *reach)
{
    while (reach->n > 0)
        free((void *)(uintptr_t)reach->path[--reach->n]);
}
