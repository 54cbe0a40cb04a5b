/* SPDX-License-Identifier: Apache-2.0 */
#include "host/find.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Why a file cannot be executed, as an errno; 0 when it can. */
static int refusal(const char *path)
{
    struct stat st;
    if (stat(path, &st) == -1)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return access(path, X_OK) == -1 ? errno : 0;
}

/* One directory of the search.  Returns 0 or an errno. */
static int look_in(const char *directory, int len, const char *name, char *path, size_t cap)
{
    int n = snprintf(path, cap, "%.*s/%s", len, directory, name);
    return n > 0 && (size_t)n < cap ? refusal(path) : ENAMETOOLONG;
}

static int search(const char *name, const char *directory, char *path, size_t cap)
{
    const char *list = getenv("PATH");
    int why =
        directory != NULL ? look_in(directory, (int)strlen(directory), name, path, cap) : ENOENT;
    int error = why == EACCES ? EACCES : ENOENT;
    if (why == 0)
        return 0;
    if (list == NULL)
        list = "/usr/local/bin:/usr/bin:/bin";
    while (*list != '\0') {
        size_t len = strcspn(list, ":");
        /* A relative or empty entry would mean the current directory. */
        why = *list == '/' ? look_in(list, (int)len, name, path, cap) : ENOENT;
        if (why == 0)
            return 0;
        error = why == EACCES ? EACCES : error;
        list += len + (list[len] == ':');
    }
    errno = error;
    return -1;
}

int ssp__find_plugin(const char *name, const char *directory, char *path, size_t path_cap)
{
    char here[PATH_MAX] = "";
    if (strchr(name, '/') == NULL)
        return search(name, directory, path, path_cap);
    if (name[0] != '/' && getcwd(here, sizeof here) == NULL)
        return -1;
    int n = snprintf(path, path_cap, "%s%s%s", here, here[0] != '\0' ? "/" : "", name);
    errno = n > 0 && (size_t)n < path_cap ? refusal(path) : ENAMETOOLONG;
    return errno == 0 ? 0 : -1;
}
