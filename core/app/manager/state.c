/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ssplugin/log.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A port may have many users. */
enum { FILE_MAX = 16 << 20, PORT_MAX = 65535 };

static const char prefix[] = ".shadowsocks_", suffix[] = ".conf", passing[] = ".json",
                  counted[] = ".used", fresh[] = ".shadowsocks.new";

int ss_state_open(const char *directory)
{
    if (mkdir(directory, 0700) == -1 && errno != EEXIST)
        return -1;
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void ss_state_name(char name[SS_STATE_NAME_MAX], uint16_t port, bool configured)
{
    (void)snprintf(name, SS_STATE_NAME_MAX, "%s%u%s", prefix, port, configured ? passing : suffix);
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The kernel begins to write the bytes, before the new name: waiting for the disk would hold up
 * every connection. */
static int fill(int fd, const char *text)
{
    int rc = write_all(fd, text, strlen(text)) == 0 && write_all(fd, "\n", 1) == 0 ? 0 : -1;
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    int error = errno;
    if (close(fd) == -1 && rc == 0)
        return -1;
    errno = error;
    return rc;
}

static int save(int directory, const char *name, const char *text)
{
    (void)unlinkat(directory, fresh, 0);
    int fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return -1;
    if (fill(fd, text) == 0 && renameat(directory, fresh, directory, name) == 0)
        return 0;
    int error = errno;
    (void)unlinkat(directory, fresh, 0);
    errno = error;
    return -1;
}

int ss_state_save(int directory, uint16_t port, bool configured, const char *settings)
{
    char name[SS_STATE_NAME_MAX];
    ss_state_name(name, port, configured);
    return save(directory, name, settings);
}

static void name_used(char name[SS_STATE_NAME_MAX], uint16_t port)
{
    (void)snprintf(name, SS_STATE_NAME_MAX, "%s%u%s", prefix, port, counted);
}

int ss_state_save_used(int directory, uint16_t port, const char *text)
{
    char name[SS_STATE_NAME_MAX];
    name_used(name, port);
    return save(directory, name, text);
}

void ss_state_drop_used(int directory, uint16_t port)
{
    char name[SS_STATE_NAME_MAX];
    name_used(name, port);
    (void)unlinkat(directory, name, 0);
}

int ss_state_drop(int directory, uint16_t port)
{
    char name[SS_STATE_NAME_MAX];
    ss_state_drop_used(directory, port);
    ss_state_name(name, port, true);
    (void)unlinkat(directory, name, 0);
    ss_state_name(name, port, false);
    return unlinkat(directory, name, 0) == 0 || errno == ENOENT ? 0 : -1;
}

/* ---- at the start ---- */

/* The port of a file name with that end; 0: it is another file. */
static uint16_t port_of(const char *name, const char *end_of_name)
{
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return 0;
    const char *digits = name + sizeof prefix - 1;
    char *end;
    unsigned long port = *digits >= '1' && *digits <= '9' ? strtoul(digits, &end, 10) : 0;
    return port > 0 && port <= PORT_MAX && strcmp(end, end_of_name) == 0 ? (uint16_t)port : 0;
}

/* Only a file of our own is read where it may name a plugin to run.  Returns 0, or an error. */
static int judge(int fd, bool any_user, size_t *size)
{
    struct stat status;
    if (fstat(fd, &status) == -1)
        return errno;
    *size = (size_t)status.st_size;
    bool ours = S_ISREG(status.st_mode) &&
                (any_user || status.st_uid == geteuid() || status.st_uid == 0) &&
                (status.st_mode & S_IWOTH) == 0;
    return !ours ? EPERM : status.st_size > FILE_MAX ? EFBIG : 0;
}

/* Returns what was read, or -1 with errno. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n = 1;
    while (len < size && n != 0) {
        n = read(fd, text + len, size - len);
        if (n == -1 && errno != EINTR)
            return -1;
        len += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)len;
}

/* Returns the text, which is the caller's and a secret, or NULL with errno. */
static char *read_file(int directory, const char *name, bool any_user, size_t *len)
{
    size_t size = 0;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1)
        return NULL;
    int error = judge(fd, any_user, &size);
    char *text = error == 0 ? malloc(size + 1) : NULL;
    ssize_t n = text != NULL ? read_all(fd, text, size) : -1;
    error = error == 0 && n == -1 ? errno : error;
    (void)close(fd);
    if (n != -1) {
        *len = (size_t)n;
        return text;
    }
    free(text);
    errno = error;
    return NULL;
}

static bool is_of(int directory, const char *name, uid_t user)
{
    struct stat status;
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_uid == user;
}

/* The files of a directory that are to be found. */
struct search {
    int directory;
    const char *end; /* of their names */
    uid_t other;     /* whose are left out; those of any user are read where used is true */
    bool used;
    ss_state_found_fn *found;
    void *arg;
};

static void visit(const struct search *s, const char *name)
{
    uint16_t port = port_of(name, s->end);
    if (port == 0 || (!s->used && is_of(s->directory, name, s->other)))
        return;
    size_t len = 0;
    char *text = read_file(s->directory, name, s->used, &len);
    if (text == NULL) {
        ssp_error("%s is not read: %s; remove it, or make it a file of this user alone", name,
                  strerror(errno));
        return;
    }
    if (len > 0)
        s->found(s->arg, port, text, len);
    explicit_bzero(text, len);
    free(text);
}

static void load(const struct search *s)
{
    int fd = fcntl(s->directory, F_DUPFD_CLOEXEC, 0);
    DIR *all = fd != -1 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    if (fd != -1 && all == NULL)
        (void)close(fd);
    if (all != NULL) /* an earlier call has read to the end */
        rewinddir(all);
    while (all != NULL && (entry = readdir(all)) != NULL)
        visit(s, entry->d_name);
    if (all != NULL)
        (void)closedir(all);
}

void ss_state_load(int directory, uid_t other, ss_state_found_fn *found, void *arg)
{
    load(&(struct search){
        .directory = directory, .end = suffix, .other = other, .found = found, .arg = arg});
}

void ss_state_load_used(int directory, ss_state_found_fn *found, void *arg)
{
    load(&(struct search){
        .directory = directory, .end = counted, .used = true, .found = found, .arg = arg});
}
