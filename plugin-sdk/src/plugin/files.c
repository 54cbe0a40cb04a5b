/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 1000, QUIET_MS = 200 };

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
    static const uint64_t multiplier =
        0x9e3779b97f4a7c15; /* no attacker chooses the input of this hash */
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
    *f = (struct ssp__files){.settings = settings, .role = role};
    ssp__files_taken(f);
    return each(f, try_open, &(struct refusal){why, why_cap}) == 0 ? 0 : -1;
}

void ssp__files_taken(struct ssp__files *f)
{
    f->taken = f->seen = signature(f);
}

/* ---- while it runs ---- */

/* Files that are still changing are looked at again soon; a program that has none never wakes. */
static void look(void *arg)
{
    struct ssp__files *f = arg;
    uint64_t now = signature(f);
    bool quiet = now == f->seen;
    f->seen = now;
    if (quiet && now != f->taken)
        f->on_change(f->arg);
    ssp__timer_start(f->loop, &f->timer, quiet ? LOOK_MS : QUIET_MS);
}

void ssp__files_watch(struct ssp__files *f, ssp_loop *loop, void (*on_change)(void *arg), void *arg)
{
    f->loop = loop;
    f->on_change = on_change;
    f->arg = arg;
    f->timer = (struct ssp__timer){.fire = look, .arg = f};
    if (f->taken != no_files)
        look(f);
}

void ssp__files_close(struct ssp__files *f)
{
    if (f->loop == NULL)
        return;
    ssp__timer_stop(&f->timer);
    f->loop = NULL;
}
