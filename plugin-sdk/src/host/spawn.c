/* SPDX-License-Identifier: Apache-2.0 */
#include "host/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_END = 0, WRITE_END = 1, PLUGIN_UMASK = 077 };

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

static int search(const char *name, char *path, size_t cap)
{
    const char *list = getenv("PATH");
    int error = ENOENT;
    if (list == NULL)
        list = "/usr/local/bin:/usr/bin:/bin";
    while (*list != '\0') {
        size_t len = strcspn(list, ":");
        /* A relative or empty entry would mean the current directory. */
        if (*list == '/') {
            int n = snprintf(path, cap, "%.*s/%s", (int)len, list, name);
            int why = n > 0 && (size_t)n < cap ? refusal(path) : ENAMETOOLONG;
            if (why == 0)
                return 0;
            error = why == EACCES ? EACCES : error;
        }
        list += len + (list[len] == ':');
    }
    errno = error;
    return -1;
}

int ssp_spawn_find(const char *name, char *path, size_t path_cap)
{
    if (strchr(name, '/') == NULL)
        return search(name, path, path_cap);
    int n = snprintf(path, path_cap, "%s", name);
    errno = n > 0 && (size_t)n < path_cap ? refusal(path) : ENAMETOOLONG;
    return errno == 0 ? 0 : -1;
}

/* Signals as a fresh process has them: the host's ignored ones would survive exec. */
static void reset_signals(void)
{
    struct sigaction dflt = {.sa_handler = SIG_DFL};
    for (int signo = 1; signo < NSIG; signo++)
        (void)sigaction(signo, &dflt, NULL);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

struct pipes {
    int life[2], output[2], error[2];
};

/* In the child, between fork and exec: async-signal-safe calls only. */
static _Noreturn void become(const struct pipes *p, pid_t host, const char *path,
                             char *const argv[], char *const env[])
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != host)
        _exit(EXIT_FAILURE); /* the host died before the line above */
    reset_signals();
    (void)umask(PLUGIN_UMASK);
    bool wired = dup2(p->life[READ_END], STDIN_FILENO) != -1 &&
                 dup2(p->output[WRITE_END], STDOUT_FILENO) != -1 &&
                 dup2(p->output[WRITE_END], STDERR_FILENO) != -1 &&
                 close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
    if (wired)
        (void)execve(path, argv, env);
    int error = errno;
    (void)!write(p->error[WRITE_END], &error, sizeof error);
    _exit(EXIT_FAILURE);
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] > STDERR_FILENO)
            (void)close(pair[i]);
        pair[i] = -1;
    }
}

static void close_pipes(struct pipes *p)
{
    close_pair(p->life);
    close_pair(p->output);
    close_pair(p->error);
}

/* Descriptors 0 to 2 would be overwritten by the child's dup2. */
static int pipe_above_stdio(int pair[2])
{
    if (pipe2(pair, O_CLOEXEC) == -1)
        return -1;
    for (int i = 0; i < 2; i++) {
        if (pair[i] > STDERR_FILENO)
            continue;
        int high = fcntl(pair[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        (void)close(pair[i]);
        pair[i] = high;
        if (high == -1)
            return -1;
    }
    return 0;
}

/* Waits until exec has closed the pipe (0) or the child has said why not (an errno). */
static int exec_error(int fd)
{
    int error = 0;
    ssize_t n;
    do {
        n = read(fd, &error, sizeof error);
    } while (n == -1 && errno == EINTR);
    return n == (ssize_t)sizeof error ? error : 0;
}

int ssp_spawn(struct ssp_child *child, const char *path, const char *name, char *const env[])
{
    struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}};
    char *const argv[] = {(char *)(uintptr_t)name, NULL};
    pid_t host = getpid();
    int error = 0;
    *child = (struct ssp_child){.pid = -1, .pidfd = -1, .lifeline_fd = -1, .output_fd = -1};
    if (pipe_above_stdio(p.life) == -1 || pipe_above_stdio(p.output) == -1 ||
        pipe_above_stdio(p.error) == -1)
        goto fail;

    child->pid = fork();
    if (child->pid == 0)
        become(&p, host, path, argv, env);
    if (child->pid == -1)
        goto fail;
    (void)setpgid(child->pid, child->pid); /* also here: whoever comes first */
    (void)close(p.error[WRITE_END]);
    p.error[WRITE_END] = -1;
    error = exec_error(p.error[READ_END]);
    if (error != 0) {
        (void)waitpid(child->pid, NULL, 0);
        errno = error;
        goto fail;
    }
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->pidfd == -1) {
        error = errno;
        (void)kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
        errno = error;
        goto fail;
    }
    child->lifeline_fd = p.life[WRITE_END];
    child->output_fd = p.output[READ_END];
    p.life[WRITE_END] = p.output[READ_END] = -1;
    (void)fcntl(child->output_fd, F_SETFL, O_NONBLOCK);
    close_pipes(&p);
    return 0;

fail:
    error = errno;
    close_pipes(&p);
    child->pid = -1;
    errno = error;
    return -1;
}

void ssp_child_release(struct ssp_child *child)
{
    int *fd[] = {&child->pidfd, &child->lifeline_fd, &child->output_fd};
    for (size_t i = 0; i < sizeof fd / sizeof *fd; i++) {
        if (*fd[i] != -1)
            (void)close(*fd[i]);
        *fd[i] = -1;
    }
}
