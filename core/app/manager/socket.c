/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/socket.h"

#include "manager/request.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECEIVES_PER_TURN = 64, WHY_MAX = 512 };

struct ss_manager_socket {
    int fd;
    struct ssp__watch *watch;
    struct ssp__log_limit *refusals; /* borrowed */
    const char *path;                /* borrowed; NULL: UDP */
    uid_t owner;
    ss_datagram_fn *fn;
    void *arg;
    char bytes[SS_REQUEST_MAX + 1];
};

/* ---- receiving ---- */

static const struct ucred *credentials(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
            return (const struct ucred *)(const void *)CMSG_DATA(c);
    }
    return NULL;
}

/* The mode of the socket keeps others out; a descriptor may have been handed on. */
static bool allowed(const struct ss_manager_socket *s, struct msghdr *m)
{
    const struct ucred *sender = s->path != NULL ? credentials(m) : NULL;
    bool own =
        sender != NULL && (sender->uid == 0 || sender->uid == geteuid() || sender->uid == s->owner);
    if ((s->path == NULL || own) && (m->msg_flags & MSG_TRUNC) == 0)
        return true;
    if (!ssp__log_limit_take(s->refusals))
        return false;
    if (s->path == NULL || own)
        ssp_error("too large request, ignored (expected at most %d bytes)", SS_REQUEST_MAX);
    else
        ssp_error("request of user %d refused (expected user %u or root)",
                  sender != NULL ? (int)sender->uid : -1, (unsigned)s->owner);
    return false;
}

/* Returns false when nothing waits. */
static bool receive(struct ss_manager_socket *s)
{
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct ss_rendezvous sender = {.len = 0};
    struct iovec piece = {s->bytes, SS_REQUEST_MAX};
    struct msghdr m = {.msg_name = &sender.u,
                       .msg_namelen = sizeof sender.u,
                       .msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    ssize_t n = recvmsg(s->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n == -1)
        return errno == EINTR;
    sender.len = m.msg_namelen;
    if (allowed(s, &m))
        s->fn(s->arg, &sender, s->bytes, (size_t)n);
    explicit_bzero(s->bytes, (size_t)n);
    return true;
}

static void readable(void *arg)
{
    for (int i = 0; i < RECEIVES_PER_TURN && receive(arg); i++)
        ;
}

void ss_manager_socket_answer(const struct ss_manager_socket *s, const struct ss_rendezvous *to,
                              const char *text, size_t len)
{
    /* A sender without a name hears nothing. */
    if (to->len > sizeof(sa_family_t))
        (void)sendto(s->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.any, to->len);
}

bool ss_manager_socket_knows_users(const struct ss_manager_socket *s)
{
    return s->path != NULL;
}

/* ---- the beginning and the end ---- */

/* A path without a listener was left behind. */
static void unlink_stale(const struct ss_rendezvous *at)
{
    struct stat status;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool stale = fd != -1 && connect(fd, &at->u.any, at->len) == -1 && errno == ECONNREFUSED;
    if (stale && lstat(at->u.path.sun_path, &status) == 0 && S_ISSOCK(status.st_mode))
        (void)unlink(at->u.path.sun_path);
    if (fd != -1)
        (void)close(fd);
}

static int bind_path(const struct ss_manager_socket *s, const struct ss_rendezvous *at)
{
    const int on = 1;
    unlink_stale(at);
    mode_t before = umask(0177);
    int rc = bind(s->fd, &at->u.any, at->len);
    (void)umask(before);
    if (rc == 0)
        rc = setsockopt(s->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    if (rc == 0 && s->owner != geteuid())
        rc = lchown(s->path, s->owner, (gid_t)-1);
    return rc;
}

static const char *listen_at(struct ss_manager_socket *s, const struct ss_rendezvous *at)
{
    if (!ss_rendezvous_local(at))
        return "everyone who can send a packet there could add a server (expected a path, or a "
               "loopback address such as 127.0.0.1:6001)";
    s->fd = socket(at->u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd == -1)
        return strerror(errno);
    int rc = s->path != NULL ? bind_path(s, at) : bind(s->fd, &at->u.any, at->len);
    return rc == 0 ? NULL : strerror(errno);
}

struct ss_manager_socket *ss_manager_socket_open(struct ssp__program *program, const char *text,
                                                 uid_t owner, ss_datagram_fn *fn, void *arg)
{
    struct ss_rendezvous at;
    char why[WHY_MAX] = "";
    const char *failure = why;
    struct ss_manager_socket *s = calloc(1, sizeof *s);
    if (s == NULL) {
        ssp_error("manager_address %s: out of memory", text);
        return NULL;
    }
    *s = (struct ss_manager_socket){.fd = -1,
                                    .refusals = program->worker->refusals,
                                    .owner = owner != (uid_t)-1 ? owner : geteuid(),
                                    .fn = fn,
                                    .arg = arg};
    if (ss_rendezvous_read(&at, text, why, sizeof why) == 0) {
        s->path = at.u.any.sa_family == AF_UNIX ? text : NULL;
        failure = listen_at(s, &at);
    }
    if (failure == NULL) {
        s->watch = ssp__watch_open(program->loop, s->fd, readable, s);
        failure = s->watch != NULL ? NULL : "out of memory";
    } else {
        s->path = NULL; /* another one's */
    }
    if (failure == NULL)
        return s;
    ssp_error("manager_address %s: %s", text, failure);
    ss_manager_socket_close(s);
    return NULL;
}

void ss_manager_socket_close(struct ss_manager_socket *s)
{
    if (s == NULL)
        return;
    ssp__watch_close(s->watch);
    if (s->path != NULL)
        (void)unlink(s->path);
    if (s->fd != -1)
        (void)close(s->fd);
    free(s);
}
