/* SPDX-License-Identifier: Apache-2.0 */
#include "host/find.h"

#include "base/guess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

/* Why a file cannot be executed, as an errno; 0 when it can.  AT_EACCESS: access() would not count
 * the capabilities of a user, by which a plugin that hosts others may reach them. */
static int refusal(const char *path)
{
    struct stat st;
    if (stat(path, &st) == -1)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == -1 ? errno : 0;
}

/* One directory of the search.  Returns 0 or an errno. */
static int look_in(const char *directory, int len, const char *name, char *path, size_t cap)
{
    int n = snprintf(path, cap, "%.*s/%s", len, directory, name);
    return n > 0 && (size_t)n < cap ? refusal(path) : ENAMETOOLONG;
}

/* The next directory of $PATH behind *list, or NULL.  A relative or empty entry would mean the
 * current directory. */
static const char *next_directory(const char **list, int *len)
{
    while (**list != '\0') {
        const char *directory = *list;
        size_t n = strcspn(directory, ":");
        *list += n + (directory[n] == ':');
        *len = (int)n;
        if (*directory == '/')
            return directory;
    }
    return NULL;
}

static const char *search_path(void)
{
    const char *list = getenv("PATH");
    return list != NULL ? list : default_path;
}

static int search(const char *name, const char *directory, char *path, size_t cap)
{
    const char *list = search_path();
    int len = directory != NULL ? (int)strlen(directory) : 0, error = ENOENT;
    if (directory == NULL)
        directory = next_directory(&list, &len);
    for (; directory != NULL; directory = next_directory(&list, &len)) {
        int why = look_in(directory, len, name, path, cap);
        if (why == 0)
            return 0;
        error = why == EACCES ? EACCES : error;
    }
    errno = error;
    return -1;
}

/* ---- what was meant ---- */

/* The best name so far, and its file. */
struct meant {
    const char *name;
    unsigned distance;
    char *path;
    size_t cap;
};

/* A short name resembles many programs: each wrong letter needs some that are right. */
enum { LETTERS_PER_TYPO = 4 };

static void meant_begin(struct meant *m, const char *name, char *path, size_t cap)
{
    struct ssp__guess guess;
    unsigned most = (unsigned)strlen(name) / LETTERS_PER_TYPO + 1;
    ssp__guess_begin(&guess, name);
    *m = (struct meant){name, guess.distance < most ? guess.distance : most, path, cap};
}

static void consider(struct meant *m, const char *directory, int len, const char *name)
{
    char path[PATH_MAX];
    unsigned distance = ssp__distance(m->name, name);
    bool nearer = distance < m->distance && look_in(directory, len, name, path, sizeof path) == 0;
    if (!nearer || strlen(path) >= m->cap)
        return;
    (void)snprintf(m->path, m->cap, "%s", path);
    m->distance = distance;
}

static void consider_all(struct meant *m, const char *directory, int len)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.*s", len, directory);
    DIR *files = opendir(path);
    if (files == NULL)
        return;
    for (struct dirent *e = readdir(files); e != NULL; e = readdir(files))
        consider(m, directory, len, e->d_name);
    (void)closedir(files);
}

static void guess(const char *name, const char *directory, char *path, size_t cap)
{
    struct meant m;
    const char *list = search_path();
    int len;
    meant_begin(&m, name, path, cap);
    if (directory != NULL)
        consider_all(&m, directory, (int)strlen(directory));
    while ((directory = next_directory(&list, &len)) != NULL)
        consider_all(&m, directory, len);
}

static void guess_beside(const char *file, char *path, size_t cap)
{
    struct meant m;
    const char *slash = strrchr(file, '/');
    if (slash == NULL)
        return; /* the current directory has been removed */
    meant_begin(&m, slash + 1, path, cap);
    consider_all(&m, file, (int)(slash - file));
}

/* ---- both ---- */

static int is_file(const char *name, char *path, size_t cap)
{
    char here[PATH_MAX] = "";
    if (name[0] != '/' && getcwd(here, sizeof here) == NULL)
        return -1;
    int n = snprintf(path, cap, "%s%s%s", here, here[0] != '\0' ? "/" : "", name);
    errno = n > 0 && (size_t)n < cap ? refusal(path) : ENAMETOOLONG;
    return errno == 0 ? 0 : -1;
}

int ssp__find_plugin(const char *name, const char *directory, char *path, size_t path_cap)
{
    bool bare = strchr(name, '/') == NULL;
    path[0] = '\0';
    int rc = bare ? search(name, directory, path, path_cap) : is_file(name, path, path_cap);
    if (rc == 0)
        return 0;
    int error = errno;
    char file[PATH_MAX];
    (void)snprintf(file, sizeof file, "%s", path);
    path[0] = '\0';
    if (error == ENOENT && bare)
        guess(name, directory, path, path_cap);
    else if (error == ENOENT)
        guess_beside(file, path, path_cap);
    errno = error;
    return -1;
}
