/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/files.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUIET_MS = 200, LINKS_MAX = 8 };

/* All that can change what a name in a directory leads to; reading changes nothing. */
static const uint32_t changes = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVE |
                                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

/* Returns 0, or something else to stop. */
typedef int path_fn(struct ssp__files *f, const ssp_option *row, const char *path, void *arg);

static int each_of(struct ssp__files *f, const struct ssp__codec_settings *layer, path_fn *fn,
                   void *arg)
{
    int rc = 0;
    const ssp_option *row = layer->codec.options;
    for (; row != NULL && row->name != NULL && rc == 0; row++) {
        const char *path;
        if (row->type != SSP_FILE || !ssp__option_concerns(row, f->role))
            continue;
        memcpy(&path, (const char *)layer->conf + row->offset, sizeof path);
        if (path != NULL)
            rc = fn(f, row, path, arg);
    }
    return rc;
}

static int each(struct ssp__files *f, path_fn *fn, void *arg)
{
    int rc = 0;
    for (size_t i = 0; f->settings != NULL && i < f->settings->layers && rc == 0; i++)
        rc = each_of(f, &f->settings->layer[i], fn, arg);
    return rc;
}

/* ---- how they look ---- */

static const uint64_t no_files = 1;

static int sign(struct ssp__files *f, const ssp_option *row, const char *path, void *arg)
{
    static const uint64_t multiplier = 0x9e3779b97f4a7c15; /* nobody attacks this hash */
    uint64_t *signature = arg;
    struct stat st;
    (void)f, (void)row;
    if (stat(path, &st) == -1)
        memset(&st, 0, sizeof st);
    *signature = (*signature ^ (uint64_t)st.st_dev) * multiplier;
    *signature = (*signature ^ (uint64_t)st.st_ino) * multiplier;
    *signature = (*signature ^ (uint64_t)st.st_size) * multiplier;
    *signature = (*signature ^ (uint64_t)st.st_ctim.tv_sec) * multiplier;
    *signature = (*signature ^ (uint64_t)st.st_ctim.tv_nsec) * multiplier;
    return 0;
}

static uint64_t signature(struct ssp__files *f)
{
    uint64_t s = no_files;
    (void)each(f, sign, &s);
    return s;
}

/* ---- at start ---- */

struct refusal {
    char *why;
    size_t cap;
};

/* A pipe must not make us wait for its writer. */
static int try_open(struct ssp__files *f, const ssp_option *row, const char *path, void *arg)
{
    const struct refusal *refusal = arg;
    struct stat st;
    bool secret = (row->flags & SSP_SECRET) != 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = fd == -1 ? errno : 0;
    (void)f;
    if (fd != -1 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        error = EISDIR;
    if (fd != -1)
        (void)close(fd);
    if (error != 0)
        (void)snprintf(refusal->why, refusal->cap, "option %s: %.300s%s%s", row->name,
                       secret ? "" : path, secret ? "" : ": ", strerror(error));
    return error;
}

int ssp__files_check(struct ssp__files *f, const struct ssp__settings *settings, ssp_role role,
                     char *why, size_t why_cap)
{
    *f = (struct ssp__files){.settings = settings, .role = role, .fd = -1};
    ssp__files_taken(f);
    return each(f, try_open, &(struct refusal){why, why_cap}) == 0 ? 0 : -1;
}

void ssp__files_taken(struct ssp__files *f)
{
    f->taken = f->seen = signature(f);
}

/* ---- while it runs ---- */

/* Cuts the last name off: "/a/b" becomes "/a", "/a" becomes "/", "a" becomes ".".  Returns false at
 * the end of the way. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
        return false;
    if (slash == NULL)
        memcpy(path, ".", 2);
    else
        slash[slash == path ? 1 : 0] = '\0';
    return true;
}

/* The directory of a path, or the nearest one above it that is there; and of each directory on the
 * way that is a link, the one that has the link.  Returns 0 or errno. */
static int watch_above(int fd, const char *path)
{
    char directory[PATH_MAX], ignored[1];
    bool wanted = true;
    (void)snprintf(directory, sizeof directory, "%s", path);
    while (go_up(directory)) {
        if (wanted && inotify_add_watch(fd, directory, changes) != -1)
            wanted = false;
        else if (wanted && errno != ENOENT && errno != ENOTDIR)
            return errno;
        wanted |= readlink(directory, ignored, sizeof ignored) != -1;
    }
    return wanted ? ENOENT : 0;
}

/* Replaces path by where the link at it leads to.  Returns false when it is none. */
static bool follow(char path[PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target);
    size_t len = 0;
    if (n <= 0)
        return false;
    if (target[0] != '/' && go_up(path)) {
        len = strlen(path);
        path[len++] = '/';
    }
    if (len + (size_t)n >= PATH_MAX)
        return false;
    memcpy(path + len, target, (size_t)n);
    path[len + (size_t)n] = '\0';
    return true;
}

static int watch_way(struct ssp__files *f, const ssp_option *row, const char *path, void *arg)
{
    char step[PATH_MAX];
    int links = 0, rc;
    (void)row, (void)arg;
    (void)snprintf(step, sizeof step, "%s", path); /* one that is too long cannot be opened */
    do {
        rc = watch_above(f->fd, step);
    } while (rc == 0 && links++ < LINKS_MAX && follow(step));
    return rc;
}

static void disarm(struct ssp__files *f)
{
    ssp__watch_close(f->watch);
    f->watch = NULL;
    if (f->fd != -1)
        (void)close(f->fd);
    f->fd = -1;
}

static void stirred(void *arg)
{
    struct ssp__files *f = arg;
    char events[4096];
    while (read(f->fd, events, sizeof events) > 0)
        continue;
    if (f->quiet.lane == NULL)
        ssp__timer_start(f->loop, &f->quiet, QUIET_MS);
}

/* Anew each time: a change may have moved the way. */
static int arm(struct ssp__files *f)
{
    disarm(f);
    f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->fd == -1)
        return errno;
    int rc = each(f, watch_way, NULL);
    f->watch = ssp__watch_open(f->loop, f->fd, stirred, f);
    return f->watch != NULL ? rc : ENOMEM;
}

static void arm_or_say(struct ssp__files *f)
{
    int error = arm(f);
    if (error != 0)
        ssp_error("files are not watched for changes: %s; SIGHUP reads them again",
                  strerror(error));
}

/* Watches first, looks then: a change in between is seen by one of the two.  A directory in which
 * others write all the time delays nothing: it is the files that must be quiet. */
static void look(void *arg)
{
    struct ssp__files *f = arg;
    arm_or_say(f);
    uint64_t now = signature(f);
    if (now != f->seen) {
        f->seen = now;
        ssp__timer_start(f->loop, &f->quiet, QUIET_MS);
    } else if (now != f->taken) {
        f->on_change(f->arg);
    }
}

void ssp__files_watch(struct ssp__files *f, ssp_loop *loop, void (*on_change)(void *arg), void *arg)
{
    f->loop = loop;
    f->on_change = on_change;
    f->arg = arg;
    f->quiet = (struct ssp__timer){.fire = look, .arg = f};
    if (f->taken != no_files)
        look(f);
}

void ssp__files_close(struct ssp__files *f)
{
    if (f->loop == NULL)
        return;
    ssp__timer_stop(&f->quiet);
    disarm(f);
    f->loop = NULL;
}
