/* SPDX-License-Identifier: Apache-2.0 */
#include "app/orders.h"

#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

static int dial(const char *path)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd != -1 && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        return fd;
    }
    int error = errno;
    if (fd != -1)
        (void)close(fd);
    errno = error;
    return -1;
}

/* A socket that another user listens at would give sockets of its own. */
static const char *distrusted(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
        return strerror(errno);
    return peer.uid == 0 || peer.uid == geteuid() ? NULL : "another user listens there";
}

int ss_order_send(const char *path, const char *order, char *why, size_t why_cap)
{
    int fd = dial(path);
    bool absent = fd == -1 && (errno == ENOENT || errno == ECONNREFUSED);
    const char *reason = absent ? "no process listens there: start one with this \"control\" first"
                         : fd == -1 ? strerror(errno)
                                    : distrusted(fd);
    if (reason == NULL && send(fd, order, strlen(order), MSG_NOSIGNAL) == (ssize_t)strlen(order))
        return fd;
    if (reason == NULL)
        reason = errno == EPIPE || errno == ECONNRESET
                     ? "the process there ends, or has no place for more callers: try again"
                     : strerror(errno);
    (void)snprintf(why, why_cap, "control %s: %s", path, reason);
    if (fd != -1)
        (void)close(fd);
    return -1;
}

static int hang_up(const char *pid_file, const char *program)
{
    pid_t pid = ssp__daemon_running(pid_file);
    if (pid > 0 && kill(pid, SIGHUP) == 0) {
        printf("%s: process %d has got SIGHUP: its log says what became of it\n", program,
               (int)pid);
        return SS_EXIT_OK;
    }
    (void)fprintf(stderr, "%s: pid file %s: %s\n", program, pid_file,
                  pid > 0 ? strerror(errno) : "no process runs with it");
    return SS_EXIT_FATAL;
}

static int ask(const char *path, const char *program)
{
    char text[SS_ANSWER_MAX] = "";
    size_t len = 0;
    ssize_t n = 0;
    int fd = ss_order_send(path, SS_ORDER_RELOAD, text, sizeof text);
    if (fd == -1) {
        (void)fprintf(stderr, "%s: %s\n", program, text);
        return SS_EXIT_FATAL;
    }
    while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    (void)close(fd);
    text[len] = '\0';
    bool done = strncmp(text, "ok ", 3) == 0;
    const char *said = strchr(text, ' ');
    if (said == NULL)
        (void)fprintf(stderr, "%s: control %s: the process there gives no answer: see its log\n",
                      program, path);
    else
        (void)fprintf(done ? stdout : stderr, "%s: %s", program, said + 1);
    return done ? SS_EXIT_OK : SS_EXIT_FATAL;
}

int ss_order_reload(const struct ss_conf *conf, const char *program)
{
    return conf->control != NULL ? ask(conf->control, program) : hang_up(conf->pid_file, program);
}
