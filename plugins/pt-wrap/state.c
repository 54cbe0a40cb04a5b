/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/state.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DIRECTORY_MODE = 0700, DEPTH = 16 };

static const char *temporary_files(void)
{
    const char *tmp = getenv("TMPDIR");
    return tmp != NULL && *tmp == '/' ? tmp : "/tmp";
}

/* Names the remedy when the mode of the directory permits access, but the system refuses it. */
static int complain(char *why, size_t cap, const char *what, const char *path)
{
    bool closed = errno == EACCES || errno == EPERM || errno == EROFS;
    int n = snprintf(why, cap, "%s %.200s: %s", what, path, strerror(errno));
    if (closed && n > 0 && (size_t)n < cap)
        (void)snprintf(why + n, cap - (size_t)n,
                       "; in the sandbox of its host a plugin writes below TMPDIR (%.300s) only: "
                       "name the directory in plugin_writable, or switch the sandbox off "
                       "(--no-plugin-sandbox)",
                       temporary_files());
    return -1;
}

static int open_temporary(struct pt_state *state, char *why, size_t cap)
{
    (void)snprintf(state->path, sizeof state->path, "%s/pt-wrap-XXXXXX", temporary_files());
    if (mkdtemp(state->path) == NULL) {
        int rc = complain(why, cap, "make a state directory", state->path);
        state->path[0] = '\0';
        return rc;
    }
    state->temporary = true;
    return 0;
}

/* File modes do not show a sandbox. */
static int try_to_write(const char *directory)
{
    char path[PT_PATH_MAX];
    if (snprintf(path, sizeof path, "%s/.pt-wrap-XXXXXX", directory) >= PT_PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkdtemp(path) != NULL ? remove(path) : -1;
}

int pt_state_open(struct pt_state *state, const char *path, char *why, size_t why_cap)
{
    struct stat st;
    *state = (struct pt_state){.temporary = false};
    if (path == NULL)
        return open_temporary(state, why, why_cap);
    if (mkdir(path, DIRECTORY_MODE) == -1 && errno != EEXIST)
        return complain(why, why_cap, "make state directory", path);
    char *real = realpath(path, NULL);
    if (real == NULL || stat(real, &st) == -1) {
        free(real);
        return complain(why, why_cap, "state directory", path);
    }
    (void)snprintf(state->path, sizeof state->path, "%s", real);
    free(real);
    if (!S_ISDIR(st.st_mode))
        errno = ENOTDIR;
    else if (try_to_write(state->path) == 0)
        return 0;
    return complain(why, why_cap, "state directory", path);
}

/* Returns the descriptor of a new file that only its owner can read. */
static int fill(const char *path, const void *bytes, size_t n)
{
    mode_t before = umask(S_IRWXG | S_IRWXO);
    FILE *file = fopen(path, "wbxe");
    (void)umask(before);
    if (file == NULL)
        return -1;
    bool written = fwrite(bytes, 1, n, file) == n;
    return fclose(file) == 0 && written ? 0 : -1;
}

/* NOLINTNEXTLINE(readability-function-size): what to write, and a why with its size */
int pt_state_write(const struct pt_state *state, const char *name, const void *bytes, size_t n,
                   char *path, char *why, size_t why_cap)
{
    char fresh[PT_PATH_MAX];
    int len = snprintf(fresh, sizeof fresh, "%s/%s.new", state->path, name);
    if (len < 0 || (size_t)len >= sizeof fresh) {
        errno = ENAMETOOLONG;
        return complain(why, why_cap, "write below", state->path);
    }
    (void)snprintf(path, PT_PATH_MAX, "%.*s", len - 4, fresh);
    (void)remove(fresh); /* of a run that was killed, perhaps with another mode */
    if (fill(fresh, bytes, n) == 0 && rename(fresh, path) == 0)
        return 0;
    return complain(why, why_cap, "write", path);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

void pt_state_remove(const struct pt_state *state)
{
    if (state->temporary && state->path[0] != '\0')
        (void)nftw(state->path, remove_entry, DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
