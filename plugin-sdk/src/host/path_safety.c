/* SPDX-License-Identifier: Apache-2.0 */
#include "host/path_safety.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SYMLINKS_MAX = 40, MODE_BITS = 07777 }; /* the kernel's own limit on symlinks */

struct walk {
    char at[PATH_MAX];   /* real path so far, without a final '/'; "" is the root directory */
    char rest[PATH_MAX]; /* what is still to be resolved */
    unsigned symlinks;
    char *why;
    size_t cap;
};

static const char *shown(const struct walk *w)
{
    return w->at[0] == '\0' ? "/" : w->at;
}

static int refuse(struct walk *w, const char *reason)
{
    (void)snprintf(w->why, w->cap, "root does not run a plugin through %s: %s", shown(w), reason);
    return -1;
}

/* Checks the file or directory w->at without following it. */
static int check(struct walk *w, struct stat *st)
{
    char reason[160];
    if (lstat(shown(w), st) == -1)
        return refuse(w, strerror(errno));
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        (void)snprintf(reason, sizeof reason, "it belongs to uid %u; chown it to root",
                       (unsigned)st->st_uid);
        return refuse(w, reason);
    }
    /* In a sticky directory only root can replace root's files; others can only add files. */
    bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;
    if (S_ISLNK(st->st_mode) || (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 || sticky)
        return 0;
    (void)snprintf(reason, sizeof reason,
                   "mode %04o, not only its owner can write to it; chmod go-w it",
                   (unsigned)st->st_mode & MODE_BITS);
    return refuse(w, reason);
}

static void leave(struct walk *w)
{
    char *slash = strrchr(w->at, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* Moves the first name of w->rest to the end of w->at. */
static int enter(struct walk *w)
{
    size_t len = strlen(w->at), name = strcspn(w->rest, "/");
    if (len + 1 + name >= sizeof w->at)
        return refuse(w, strerror(ENAMETOOLONG));
    w->at[len] = '/';
    memcpy(w->at + len + 1, w->rest, name);
    w->at[len + 1 + name] = '\0';
    memmove(w->rest, w->rest + name, strlen(w->rest + name) + 1);
    return 0;
}

/* Replaces the symlink w->at by its contents. */
static int follow(struct walk *w)
{
    char target[PATH_MAX];
    ssize_t n = readlink(w->at, target, sizeof target - 1);
    if (n <= 0 || w->symlinks++ == SYMLINKS_MAX)
        return refuse(w, strerror(n == -1 ? errno : ELOOP));
    size_t rest = strlen(w->rest);
    if ((size_t)n + rest >= sizeof w->rest)
        return refuse(w, strerror(ENAMETOOLONG));
    memmove(w->rest + n, w->rest, rest + 1);
    memcpy(w->rest, target, (size_t)n);
    leave(w);
    if (target[0] == '/')
        w->at[0] = '\0';
    return 0;
}

static int advance(struct walk *w)
{
    struct stat st;
    size_t name = strcspn(w->rest, "/");
    bool parent = name == 2 && strncmp(w->rest, "..", name) == 0;
    if (parent || (name == 1 && w->rest[0] == '.')) {
        if (parent)
            leave(w); /* was checked on the way in */
        memmove(w->rest, w->rest + name, strlen(w->rest + name) + 1);
        return 0;
    }
    if (enter(w) == -1 || check(w, &st) == -1)
        return -1;
    return S_ISLNK(st.st_mode) ? follow(w) : 0;
}

/* Checks the real directory of the plugin: only root may create files in it. */
static int check_own_directory(struct walk *w)
{
    char reason[160];
    struct stat st;
    leave(w);
    if (lstat(shown(w), &st) == -1)
        return refuse(w, strerror(errno));
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return 0;
    (void)snprintf(reason, sizeof reason,
                   "mode %04o, anybody can create files in it; move the plugin elsewhere",
                   (unsigned)st.st_mode & MODE_BITS);
    return refuse(w, reason);
}

/* A relative path is one below the current directory. */
static int begin(struct walk *w, const char *path)
{
    char current[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(current, sizeof current) == NULL)
        return -1;
    int n = snprintf(w->rest, sizeof w->rest, "%s/%s", current, path);
    if (n >= 0 && (size_t)n < sizeof w->rest)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

int ssp__path_safety_check(const char *path, char *why, size_t cap)
{
    struct walk w = {.why = why, .cap = cap};
    struct stat st;
    if (geteuid() != 0)
        return 0;
    if (begin(&w, path) == -1)
        return refuse(&w, strerror(errno));
    if (check(&w, &st) == -1)
        return -1;
    for (;;) {
        size_t slashes = strspn(w.rest, "/");
        memmove(w.rest, w.rest + slashes, strlen(w.rest + slashes) + 1);
        if (w.rest[0] == '\0')
            return check_own_directory(&w);
        if (advance(&w) == -1)
            return -1;
    }
}
