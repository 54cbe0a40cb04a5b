/* SPDX-License-Identifier: Apache-2.0 */
#include "check/exec.h"

#include "base/retry.h"
#include "contract/inherited.h"
#include "procfs/close_range.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES_SOFT = 1024 };

/* All that the child needs, made before the fork. */
struct plan {
    const char *path;
    char **argv, **envp;
    int null_fd, out_fd, error_fd;
    bool closed;
};

static char **make_argv(const struct launch *l)
{
    size_t n = 0, count = 0;
    while (l->arguments != NULL && l->arguments[count] != NULL)
        count++;
    char **argv = calloc(count + 2, sizeof *argv);
    if (argv == NULL)
        return NULL;
    argv[n++] = (char *)(uintptr_t)l->path;
    for (size_t i = 0; i < count; i++)
        argv[n++] = (char *)(uintptr_t)l->arguments[i];
    return argv;
}

static char *variable(const char *name, const char *value)
{
    char *text = NULL;
    return asprintf(&text, "%s=%s", name, value) == -1 ? NULL : text;
}

static void free_environment(char **envp)
{
    for (size_t i = 0; envp != NULL && envp[i] != NULL; i++)
        free(envp[i]);
    free(envp);
}

/* Copies of all: the entries of ours that plugins inherit, and those of the launch. */
static char **make_environment(const struct launch *l)
{
    const char *role = l->role == SSP_SERVER ? "server" : "client";
    const char *const own[][2] = {{"SS_PLUGIN_ROLE", l->says_role ? role : NULL},
                                  {"SS_LOCAL_HOST", l->local_host},
                                  {"SS_LOCAL_PORT", l->local_port},
                                  {"SS_REMOTE_HOST", l->remote_host},
                                  {"SS_REMOTE_PORT", l->remote_port},
                                  {"SS_PLUGIN_OPTIONS", l->options}};
    size_t n = 0, count = sizeof own / sizeof *own + 1;
    for (char **e = environ; *e != NULL; e++)
        count++;
    for (size_t i = 0; l->environment != NULL && l->environment[i] != NULL; i++)
        count++;
    char **envp = calloc(count, sizeof *envp);
    if (envp == NULL)
        return NULL;
    for (char **e = environ; *e != NULL; e++) {
        if (ssp__inherited(*e) && (envp[n] = strdup(*e)) != NULL)
            n++;
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (own[i][1] != NULL && (envp[n] = variable(own[i][0], own[i][1])) != NULL)
            n++;
    }
    for (size_t i = 0; l->environment != NULL && l->environment[i] != NULL; i++) {
        if ((envp[n] = strdup(l->environment[i])) != NULL)
            n++;
    }
    return envp;
}

static void reset_signals(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(void)
{
    struct rlimit files;
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > FILES_SOFT) {
        files.rlim_cur = FILES_SOFT; /* ours is raised; what most hosts have is this */
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

_Noreturn static void become(const struct plan *plan)
{
    (void)setpgid(0, 0);
    reset_signals();
    limit();
    if (plan->closed) {
        for (int fd = 0; fd <= 2; fd++)
            (void)close(fd);
    } else {
        (void)dup2(plan->null_fd, 0);
        (void)dup2(plan->out_fd, 1);
        (void)dup2(plan->out_fd, 2);
    }
    (void)ssp__close_range(STDERR_FILENO + 1, UINT_MAX, SSP__CLOSE_AT_EXEC);
    (void)execve(plan->path, plan->argv, plan->envp);
    int error = errno;
    (void)!write(plan->error_fd, &error, sizeof error);
    _exit(127);
}

/* Forks and waits for the exec.  Returns the pid, or -1 with errno. */
static pid_t spawn(struct plan *plan)
{
    int pair[2], error = 0;
    if (pipe2(pair, O_CLOEXEC) == -1)
        return -1;
    plan->error_fd = pair[1];
    pid_t pid = fork();
    if (pid == 0)
        become(plan);
    error = pid == -1 ? errno : 0;
    (void)close(pair[1]);
    if (pid > 0) {
        (void)setpgid(pid, pid); /* here and in the child: either may run first */
        if (ssp__read(pair[0], &error, sizeof error) == (ssize_t)sizeof error) {
            (void)ssp__waitpid(pid, NULL, 0);
            pid = -1;
        }
    }
    (void)close(pair[0]);
    errno = error;
    return pid;
}

pid_t exec_launch(const struct launch *l, int out_fd)
{
    struct plan plan = {.path = l->path,
                        .argv = make_argv(l),
                        .envp = make_environment(l),
                        .null_fd = open("/dev/null", O_RDWR | O_CLOEXEC),
                        .out_fd = out_fd,
                        .closed = l->output == OUTPUT_CLOSED};
    pid_t pid = -1;
    if (plan.argv != NULL && plan.envp != NULL && plan.null_fd != -1)
        pid = spawn(&plan);
    int error = errno;
    if (plan.null_fd != -1)
        (void)close(plan.null_fd);
    free(plan.argv);
    free_environment(plan.envp);
    errno = error;
    return pid;
}
