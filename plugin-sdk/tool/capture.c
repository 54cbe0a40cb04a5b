/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include "base/retry.h"
#include "check/process.h"
#include "check/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT, ERR, EXIT, WATCHED, CHUNK = 16384, CHUNKS_LEFT = 16, PAUSE_MS = 5 };

/* Our environment without the variables of a host; the entries are borrowed. */
static char **quiet_environment(void)
{
    size_t n = 0, kept = 0;
    while (environ[n] != NULL)
        n++;
    char **list = calloc(n + 1, sizeof *list);
    for (size_t i = 0; list != NULL && i < n; i++) {
        if (strncmp(environ[i], "SS_", 3) != 0 && strncmp(environ[i], "LISTEN_", 7) != 0)
            list[kept++] = environ[i];
    }
    return list;
}

/* Returns 0 or an errno. */
static int spawn(pid_t *pid, const char *path, const char *argument, const int fd[2])
{
    char *const argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)argument, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char **list = quiet_environment();
    if (list == NULL)
        return ENOMEM;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, fd[OUT], STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, fd[ERR], STDERR_FILENO);
    (void)posix_spawnattr_init(&attributes);
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    int error = posix_spawn(pid, path, &actions, &attributes, argv, list);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(list);
    return error;
}

/* Reads once; bytes that do not fit are dropped.  False at the end of input. */
static bool take(int fd, char *text, size_t *len)
{
    char chunk[CHUNK];
    ssize_t n = ssp__read(fd, chunk, sizeof chunk);
    for (ssize_t i = 0; i < n; i++) {
        if (chunk[i] != '\0' && *len < CAPTURE_BYTES)
            text[(*len)++] = chunk[i];
    }
    text[*len] = '\0';
    return n > 0;
}

/* Reads the rest of the pipes, bounded because a grandchild may go on filling them. */
static void drain(struct capture *c, const int fd[2])
{
    for (int i = 0; i < CHUNKS_LEFT && take(fd[OUT], c->out, &c->out_len); i++)
        continue;
    for (int i = 0; i < CHUNKS_LEFT && take(fd[ERR], c->err, &c->err_len); i++)
        continue;
}

/* It is a zombie then, whose id is not used again. */
static bool has_exited(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return ssp__waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
}

static void take_what_came(struct capture *c, struct pollfd p[WATCHED])
{
    if (p[OUT].revents != 0 && !take(p[OUT].fd, c->out, &c->out_len))
        p[OUT].fd = -1;
    if (p[ERR].revents != 0 && !take(p[ERR].fd, c->err, &c->err_len))
        p[ERR].fd = -1;
}

/* Until it exits, or the time is over.  A grandchild that keeps the pipes does not matter.  Where
 * there is no pidfd (-1), it is looked at now and then. */
static void follow(struct capture *c, const int fd[2], pid_t pid, int pidfd, unsigned limit_ms)
{
    int64_t until_us = clock_us() + (int64_t)limit_ms * 1000;
    struct pollfd p[WATCHED] = {{fd[OUT], POLLIN, 0}, {fd[ERR], POLLIN, 0}, {pidfd, POLLIN, 0}};
    for (int64_t left_us; !c->exited && (left_us = until_us - clock_us()) > 0;) {
        int left_ms = (int)(left_us / 1000) + 1;
        int ready = poll(p, WATCHED, pidfd == -1 && left_ms > PAUSE_MS ? PAUSE_MS : left_ms);
        if (ready == -1 && errno != EINTR)
            return;
        if (ready > 0)
            take_what_came(c, p);
        c->exited = pidfd == -1 ? has_exited(pid) : ready > 0 && p[EXIT].revents != 0;
    }
}

/* The ends that are read, and those that the program gets. */
struct pipes {
    int ours[2], theirs[2];
};

static void pipes_close(struct pipes *p)
{
    for (int i = OUT; i <= ERR; i++) {
        if (p->ours[i] != -1)
            (void)close(p->ours[i]);
        if (p->theirs[i] != -1)
            (void)close(p->theirs[i]);
    }
}

/* All ends must be -1.  Returns 0, or -1 with errno; pipes_close() is due either way. */
static int pipes_open(struct pipes *p)
{
    for (int i = OUT; i <= ERR; i++) {
        int pair[2] = {-1, -1};
        if (pipe2(pair, O_CLOEXEC) == -1)
            return -1;
        p->ours[i] = pair[0];
        p->theirs[i] = pair[1];
        (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static void finish(struct capture *c, pid_t pid)
{
    int status = 0;
    (void)kill(-pid, SIGKILL);
    (void)ssp__waitpid(pid, &status, 0);
    c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- in a process of its own, whose guardian kills its descendants ---- */

struct capture_job {
    struct fixture fixture; /* first: what the runner knows of it */
    const char *path, *argument;
    unsigned limit_ms;
    int error;
    struct capture capture;
};

static enum outcome carry_out(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct capture_job *own = (struct capture_job *)(void *)fixture; /* its first member */
    struct capture *c = &own->capture;
    struct pipes p = {{-1, -1}, {-1, -1}};
    pid_t pid = -1;
    (void)role;
    (void)e;
    own->error = pipes_open(&p) == -1 ? errno : spawn(&pid, own->path, own->argument, p.theirs);
    if (own->error == 0) {
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        follow(c, p.ours, pid, pidfd, own->limit_ms);
        finish(c, pid);
        drain(c, p.ours);
        if (pidfd != -1)
            (void)close(pidfd);
    }
    pipes_close(&p);
    return PASS;
}

/* In memory that processes share. */
static struct capture_job *capture_job_of(const struct capture *c)
{
    return (struct capture_job *)((uintptr_t)c - offsetof(struct capture_job, capture));
}

struct capture *capture(const char *path, const char *argument, unsigned limit_ms)
{
    static const struct check check = {.title = "capture", .run = carry_out};
    struct result *result = runner_share(sizeof *result);
    struct capture_job *own = runner_share(sizeof *own);
    int error = ENOMEM;
    if (result != NULL && own != NULL) {
        struct job job = {.check = &check, .result = result};
        struct runner r = {.fixture = &own->fixture, .job = &job, .jobs = 1, .parallel = 1};
        own->path = path;
        own->argument = argument;
        own->limit_ms = limit_ms;
        int signal = runner_run(&r);
        if (signal != 0)
            (void)raise(signal);
        error = result->done ? own->error : EIO;
    }
    runner_unshare(result, sizeof *result);
    if (error == 0)
        return &own->capture;
    runner_unshare(own, sizeof *own);
    errno = error;
    return NULL;
}

void capture_free(struct capture *c)
{
    if (c != NULL)
        runner_unshare(capture_job_of(c), sizeof(struct capture_job));
}
