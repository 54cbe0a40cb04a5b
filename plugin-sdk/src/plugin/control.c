/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOCKET_MODE = 0600, BACKLOG = 16, LOCK_TRIES = 100, LOCK_PAUSE_MS = 10 };

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

static int refuse(const char *path, const char *reason, char *why, size_t why_cap)
{
    (void)snprintf(why, why_cap, "option control: \"%.200s\": %s", path, reason);
    return -1;
}

int ssp__control_check(const char *path, char *why, size_t why_cap)
{
    struct sockaddr_un a;
    if (path == NULL || (path[0] != '\0' && strlen(path) < sizeof a.sun_path))
        return 0;
    return refuse(path, "the path of a socket has 1 to 107 bytes", why, why_cap);
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* The reason not to replace the file at the address, or NULL for the socket of a dead process. */
static const char *owner(const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(a->sun_path, &st) == -1)
        return errno == ENOENT ? NULL : strerror(errno);
    if (!S_ISSOCK(st.st_mode))
        return "the file exists and is not a socket";
    int fd = new_socket();
    int error = connect(fd, (const struct sockaddr *)a, sizeof *a) == -1 ? errno : 0;
    if (fd != -1)
        (void)close(fd);
    if (error == 0 || error == EAGAIN)
        return "another process listens on it";
    return error == ECONNREFUSED ? NULL : strerror(error);
}

static bool bind_to(int fd, const struct sockaddr_un *a)
{
    return bind(fd, (const struct sockaddr *)a, sizeof *a) == 0;
}

/* Returns a listening socket, or -1 with the reason. */
static int listen_at(const struct sockaddr_un *a, const char **reason)
{
    int fd = new_socket();
    (void)fchmod(
        fd,
        SOCKET_MODE); /* bind() creates the file with this mode, so that it is never more open */
    bool bound = bind_to(fd, a);
    if (!bound && errno == EADDRINUSE && (*reason = owner(a)) == NULL) {
        (void)unlink(a->sun_path);
        bound = bind_to(fd, a);
    }
    if (bound && listen(fd, BACKLOG) == 0)
        return fd;
    if (*reason == NULL)
        *reason = strerror(errno);
    if (fd != -1)
        (void)close(fd);
    return -1;
}

/*
 * Plugins of one host start at once, with the same options: none of them may take the new socket of
 * another, which does not listen yet, for that of a dead one.  A process that holds the lock longer
 * than such a start is none of them and must not block a start.
 */
static int lock_directory(const struct sockaddr_un *a)
{
    struct sockaddr_un up = *a;
    char *slash = strrchr(up.sun_path, '/');
    if (slash != NULL)
        slash[slash == up.sun_path ? 1 : 0] = '\0';
    int fd = open(slash != NULL ? up.sun_path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd != -1 && i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            break;
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return fd;
}

/* Returns a listening socket, or -1 with the reason. */
static int listen_as_owner(struct ssp__control *c, const char *path, const char **reason)
{
    struct sockaddr_un a = address(path);
    struct stat st;
    if (strlen(path) >= sizeof a.sun_path) {
        *reason = "the path of a socket has 107 bytes at most";
        return -1;
    }
    int lock = lock_directory(&a);
    int fd = listen_at(&a, reason);
    if (lock != -1)
        (void)close(lock);
    if (fd != -1 && lstat(path, &st) == 0)
        *c = (struct ssp__control){.path = path, .dev = st.st_dev, .ino = st.st_ino};
    return fd;
}

int ssp__control_listen(struct ssp__control *c, const char *path, char *why, size_t why_cap)
{
    const char *reason = NULL;
    int fd = listen_as_owner(c, path, &reason);
    if (fd == -1)
        (void)snprintf(why, why_cap, "%s", reason);
    return fd;
}

/* NOLINTNEXTLINE(readability-function-size): a callback needs its argument, a why its size */
int ssp__control_open(struct ssp__control *c, const char *path, ssp_loop *loop,
                      ssp__accept_fn *on_client, void *arg, char *why, size_t why_cap)
{
    const char *reason = NULL;
    int fd = path != NULL ? listen_as_owner(c, path, &reason) : -1;
    if (path == NULL)
        return 0;
    if (fd == -1)
        return refuse(path, reason, why, why_cap);
    c->listener = ssp__listener_open(loop, fd, on_client, NULL, arg);
    return c->listener != NULL ? 0 : refuse(path, strerror(ENOMEM), why, why_cap);
}

void ssp__control_adopt(struct ssp__control *c, const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        *c = (struct ssp__control){.path = path, .dev = st.st_dev, .ino = st.st_ino};
}

void ssp__control_leave(struct ssp__control *c)
{
    c->path = NULL;
}

/* Removes the file first: as long as this process listens, no other process takes it for stale. */
void ssp__control_close(struct ssp__control *c)
{
    struct stat st;
    if (c->path != NULL && lstat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino)
        (void)unlink(c->path);
    ssp__listener_close(c->listener);
    *c = (struct ssp__control){.path = NULL};
}
