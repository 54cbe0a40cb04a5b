/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/socket.h"

#include "manager/listing.h"
#include "manager/request.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVES_PER_TURN = 64, WHY_MAX = 512 };

struct ss_manager_socket {
    int fd;
    struct ssp__watch *watch;
    struct ssp__log_limit *refusals; /* borrowed */
    const char *path;                /* borrowed; NULL: UDP */
    struct ss_sealer *sealer;        /* NULL: without a key */
    uid_t owner;
    ss_datagram_fn *fn;
    void *arg;
    char bytes[SS_REQUEST_MAX + SS_SEAL_REQUEST];
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

/* Returns false when it is refused. */
static bool unseal(struct ss_manager_socket *s, size_t *len, struct ss_asker *sender)
{
    if (s->sealer == NULL)
        return true;
    const char *why =
        ss_sealer_open(s->sealer, (uint8_t *)s->bytes, len, (int64_t)time(NULL), sender->nonce);
    if (why != NULL && ssp__log_limit_take(s->refusals))
        ssp_error("request refused: %s", why);
    return why == NULL;
}

/* Returns false when nothing waits. */
static bool receive(struct ss_manager_socket *s)
{
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct ss_asker sender = {.at = {.len = 0}};
    struct iovec piece = {s->bytes, SS_REQUEST_MAX + (s->sealer != NULL ? SS_SEAL_REQUEST : 0)};
    struct msghdr m = {.msg_name = &sender.at.u,
                       .msg_namelen = sizeof sender.at.u,
                       .msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    ssize_t n = recvmsg(s->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n == -1)
        return errno == EINTR;
    sender.at.len = m.msg_namelen;
    size_t len = (size_t)n;
    if (allowed(s, &m) && unseal(s, &len, &sender))
        s->fn(s->arg, &sender, s->bytes, len);
    explicit_bzero(s->bytes, (size_t)n);
    return true;
}

static void readable(void *arg)
{
    for (int i = 0; i < RECEIVES_PER_TURN && receive(arg); i++)
        ;
}

void ss_manager_socket_answer(const struct ss_manager_socket *s, const struct ss_asker *to,
                              const char *text, size_t len)
{
    uint8_t sealed[SS_LISTING_MAX + SS_SEAL_ANSWER];
    const void *bytes = text;
    if (to->at.len <= sizeof(sa_family_t)) /* a sender without a name hears nothing */
        return;
    if (s->sealer != NULL) {
        len = ss_sealer_answer(s->sealer, to->nonce, text, len, sealed);
        bytes = sealed;
    }
    (void)sendto(s->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->at.u.any, to->at.len);
}

bool ss_manager_socket_trusts(const struct ss_manager_socket *s)
{
    return s->path != NULL || s->sealer != NULL;
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
    /* First, or the first request would come without its user. */
    if (setsockopt(s->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1)
        return -1;
    mode_t before = umask(0177);
    int rc = bind(s->fd, &at->u.any, at->len);
    (void)umask(before);
    if (rc == 0 && s->owner != geteuid())
        rc = lchown(s->path, s->owner, (gid_t)-1);
    return rc;
}

static const char *listen_at(struct ss_manager_socket *s, const struct ss_rendezvous *at)
{
    if (!ss_rendezvous_local(at) && s->sealer == NULL)
        return "everyone who can send a packet there could add a server (expected a path, a "
               "loopback address such as 127.0.0.1:6001, or a manager_key)";
    s->fd = socket(at->u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd == -1)
        return strerror(errno);
    int rc = s->path != NULL ? bind_path(s, at) : bind(s->fd, &at->u.any, at->len);
    return rc == 0 ? NULL : strerror(errno);
}

/* Returns NULL, or why it cannot be. */
static const char *open_at(struct ss_manager_socket *s, const struct ss_manager_socket_conf *c,
                           char *why, size_t why_cap)
{
    struct ss_rendezvous at;
    const char *failure = why;
    if (ss_rendezvous_read(&at, c->address, why, why_cap) == -1)
        return failure;
    bool path = at.u.any.sa_family == AF_UNIX;
    if (!path && c->key != NULL) {
        s->sealer = ss_sealer_new(c->key, (int64_t)time(NULL), &failure);
        if (s->sealer == NULL)
            return failure;
    }
    s->path = path ? c->address : NULL;
    failure = listen_at(s, &at);
    if (failure != NULL)
        s->path = NULL; /* another one's */
    return failure;
}

struct ss_manager_socket *ss_manager_socket_open(struct ssp__program *program,
                                                 const struct ss_manager_socket_conf *c)
{
    char why[WHY_MAX] = "";
    const char *failure = "out of memory";
    struct ss_manager_socket *s = calloc(1, sizeof *s);
    if (s != NULL) {
        *s = (struct ss_manager_socket){.fd = -1,
                                        .refusals = program->worker->refusals,
                                        .owner = c->owner,
                                        .fn = c->fn,
                                        .arg = c->arg};
        failure = open_at(s, c, why, sizeof why);
    }
    if (failure == NULL) {
        s->watch = ssp__watch_open(program->loop, s->fd, readable, s);
        failure = s->watch != NULL ? NULL : "out of memory";
    }
    if (failure == NULL)
        return s;
    ssp_error("manager_address %s: %s", c->address, failure);
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
    ss_sealer_free(s->sealer);
    free(s);
}
