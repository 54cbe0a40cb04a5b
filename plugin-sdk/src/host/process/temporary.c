/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/temporary.h"

#include "host/access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 32, ENTRIES_MAX = 65536 };

static bool enters(const struct ssp__privilege *p, const char *directory)
{
    if (directory == NULL || directory[0] != '/' || access(directory, W_OK | X_OK) == -1)
        return false;
    return !p->change || p->uid == 0 || ssp__access(p, directory, X_OK);
}

static int make_below(const struct ssp__privilege *p, const char *directory,
                      char path[SSP_TEMPORARY_PATH])
{
    int n = snprintf(path, SSP_TEMPORARY_PATH, "%s/ss-plugin-XXXXXX", directory);
    errno = ENAMETOOLONG;
    if (n < 0 || n >= SSP_TEMPORARY_PATH || mkdtemp(path) == NULL)
        return -1;
    if (!p->change || chown(path, p->uid, p->gid) == 0)
        return 0;
    int error = errno;
    (void)rmdir(path);
    errno = error;
    return -1;
}

int ssp__temporary_make(const struct ssp__privilege *p, char path[SSP_TEMPORARY_PATH])
{
    const char *const places[] = {getenv("TMPDIR"), "/tmp", "/var/tmp"};
    errno = EACCES;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (enters(p, places[i]) && make_below(p, places[i], path) == 0)
            return 0;
    }
    path[0] = '\0';
    return -1;
}

/* Empties the directory that is open as fd, which it closes. */
static void empty(int fd, unsigned depth, unsigned *left)
{
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        (void)close(fd);
        return;
    }
    for (struct dirent *e = readdir(directory); e != NULL && *left > 0; e = readdir(directory)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        --*left;
        if (unlinkat(dirfd(directory), e->d_name, 0) == 0 || depth == DEPTH_MAX)
            continue;
        int below =
            openat(dirfd(directory), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below != -1)
            empty(below, depth + 1, left);
        (void)unlinkat(dirfd(directory), e->d_name, AT_REMOVEDIR);
    }
    (void)closedir(directory);
}

void ssp__temporary_remove(const char *path)
{
    unsigned left = ENTRIES_MAX;
    int fd = *path != '\0' ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd != -1)
        empty(fd, 0, &left);
    if (*path != '\0')
        (void)rmdir(path);
}
