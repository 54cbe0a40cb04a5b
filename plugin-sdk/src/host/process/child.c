/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/child.h"

#include "base/retry.h"
#include "host/conf_check.h"
#include "host/process/wait.h"
#include "procfs/close_range.h"
#include "procfs/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_END = 0, WRITE_END = 1, PLUGIN_UMASK = 077, ENTRY_MAX = 40 };

/* Limits of a plugin in the sandbox: far above what one needs, far below what hurts others. */
enum { FILES_MAX = 65536, THREADS_MAX = 1024, FILE_SIZE_MAX = 1 << 30 };

/* For an exec, as from a slow disk, and for the exit of a process that is killed. */
enum { EXEC_MS = 30000, EXIT_MS = 1000 };

/* The entries of the list, those that the host adds, and NULL. */
enum { ENV_MAX = SSP_TERMS_LIST_MAX + 32, ARGV_MAX = SSP_TERMS_LIST_MAX + 2 };

/* A place above all that a plugin gets, and that a guardian has. */
enum { ASIDE = SSP_LISTEN_FD + SSP_HANDED_MAX + 8 };

/* The environment of one start: the plan's, with this start's port and listening sockets. */
struct start {
    const struct ssp__guardian_plan *plan;
    char *argv[ARGV_MAX], *env[ENV_MAX];
    char port[ENTRY_MAX], listen_pid[ENTRY_MAX], listen_fds[ENTRY_MAX], notify_fd[ENTRY_MAX];
    const struct ssp__child_fds *fds;
    int notify_place;
    int life_fd, error_fd;
    pid_t parent;
    uint16_t port_number;
    struct ssp__sandbox sandbox; /* of the plan, if it has one */
};

static bool begins(const char *entry, const char *variable)
{
    return variable != NULL && strncmp(entry, variable, strlen(variable)) == 0;
}

static void compose_env(struct start *s, uint16_t port)
{
    static const char notify[] = "SS_PLUGIN_NOTIFY_FD=";
    const char *variable = s->plan->port_variable;
    unsigned listens = s->fds->listen->n;
    size_t n = 0;
    s->notify_place = listens > 1 ? SSP_LISTEN_FD + (int)listens : SSP_NOTIFY_FD;
    for (char **e = s->plan->env; *e != NULL && n < ENV_MAX - 3; e++)
        s->env[n++] = begins(*e, variable) ? s->port : begins(*e, notify) ? s->notify_fd : *e;
    if (variable != NULL)
        (void)snprintf(s->port, sizeof s->port, "%s%u", variable, port);
    (void)snprintf(s->notify_fd, sizeof s->notify_fd, "%s%d", notify, s->notify_place);
    if (listens > 0) {
        (void)snprintf(s->listen_fds, sizeof s->listen_fds, "LISTEN_FDS=%u", listens);
        s->env[n++] = s->listen_fds;
        s->env[n++] = s->listen_pid;
    }
    s->env[n] = NULL;
}

static void compose_argv(struct start *s)
{
    size_t n = 0;
    s->argv[n++] = (char *)(uintptr_t)s->plan->name;
    for (const char *const *a = s->plan->argv; a != NULL && *a != NULL && n < ARGV_MAX - 1; a++)
        s->argv[n++] = (char *)(uintptr_t)*a;
    s->argv[n] = NULL;
}

/* As a fresh process has them: the host's ignored ones would survive exec. */
static void reset_signals(void)
{
    struct sigaction dflt = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int signo = 1; signo < NSIG; signo++)
        (void)sigaction(signo, &dflt, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Out of the way of the places of others.  Returns the new number, or -1. */
static int put_aside(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, ASIDE);
}

/* Puts the descriptors in place; the rest closes at exec.  The ruleset of a sandbox is needed until
 * then. */
static int wire(struct start *s)
{
    const struct ssp__child_fds *fds = s->fds;
    int notify = put_aside(fds->notify), listen[SSP_HANDED_MAX];
    if (s->sandbox.ruleset_fd != -1 &&
        (s->sandbox.ruleset_fd = put_aside(s->sandbox.ruleset_fd)) == -1)
        return -1;
    for (unsigned i = 0; i < fds->listen->n; i++)
        listen[i] = put_aside(fds->listen->fd[i]);
    if (dup2(s->life_fd, STDIN_FILENO) == -1 || dup2(fds->output, STDOUT_FILENO) == -1 ||
        dup2(fds->output, STDERR_FILENO) == -1 ||
        ssp__close_range(STDERR_FILENO + 1, UINT_MAX, SSP__CLOSE_AT_EXEC) == -1 ||
        dup2(notify, s->notify_place) == -1)
        return -1;
    for (unsigned i = 0; i < fds->listen->n; i++) {
        if (dup2(listen[i], SSP_LISTEN_FD + (int)i) == -1)
            return -1;
    }
    return 0;
}

/* The host has raised its own to the highest.  Some programs walk over all that they may have. */
static void limit_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur <= FILES_MAX)
        return;
    limit.rlim_cur = FILES_MAX;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

#ifdef __GLIBC__
typedef __rlimit_resource_t resource_kind;
#else
typedef int resource_kind;
#endif

static void limit(resource_kind resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) == -1 || now.rlim_max <= most)
        return;
    now = (struct rlimit){now.rlim_cur < most ? now.rlim_cur : most, most};
    (void)setrlimit(resource, &now);
}

/* A user's limits apply to all its processes, so that only a user without others gets some. */
static void set_limits(const struct ssp__guardian_plan *plan)
{
    limit_files();
    limit(RLIMIT_CORE, 0);
    if (plan->sandbox == NULL)
        return;
    limit(RLIMIT_NOFILE, FILES_MAX);
    limit(RLIMIT_FSIZE, FILE_SIZE_MAX);
    limit(RLIMIT_RTPRIO, 0);
    limit(RLIMIT_NICE, 0);
    if (plan->privilege != NULL && plan->privilege->own)
        limit(RLIMIT_NPROC, THREADS_MAX);
}

static int restrict_self(const struct start *s)
{
    const struct ssp__guardian_plan *plan = s->plan;
    (void)umask(PLUGIN_UMASK);
    set_limits(plan);
    if (plan->directory != NULL && chdir(plan->directory) == -1)
        return -1;
    const struct ssp__privilege *privilege = plan->privilege;
    if (privilege != NULL && privilege->change) { /* or a script could not open /dev/stderr */
        (void)!fchown(STDERR_FILENO, privilege->uid, privilege->gid);
        (void)!fchown(s->notify_place, privilege->uid, privilege->gid);
    }
    if (privilege != NULL && ssp__privilege_enter(privilege) == -1)
        return -1;
    /* After the change of user, which would undo it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != s->parent)
        _exit(EXIT_FAILURE);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return -1;
    if (plan->sandbox == NULL)
        return 0;
    return ssp__sandbox_open_port(&s->sandbox, s->port_number) == 0
               ? ssp__sandbox_enter(&s->sandbox)
               : -1;
}

/* In the child, between fork and exec: nothing that takes a lock or memory. */
static _Noreturn void become(struct start *s)
{
    (void)setpgid(0, 0);
    (void)snprintf(s->listen_pid, sizeof s->listen_pid, "LISTEN_PID=%d", (int)getpid());
    reset_signals();
    s->error_fd = put_aside(s->error_fd);
    if (wire(s) == 0 && restrict_self(s) == 0)
        (void)execve(s->plan->path, s->argv, s->env);
    int error = errno;
    (void)!write(s->error_fd, &error, sizeof error);
    _exit(EXIT_FAILURE);
}

/* Waits until exec has closed the pipe (0) or the child has reported an errno. */
static int exec_error(int fd, int cancel_fd)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};
    uint64_t until_ms = ssp__wait_now_ms() + EXEC_MS;
    int error = 0, n;
    do {
        n = poll(p, 2, ssp__wait_left(until_ms));
    } while (n == -1 && errno == EINTR);
    if (p[0].revents == 0)
        return n == 0 ? ETIMEDOUT : ECANCELED;
    return ssp__read(fd, &error, sizeof error) == (ssize_t)sizeof error ? error : 0;
}

static void close_both(int pair[2])
{
    (void)close(pair[READ_END]);
    (void)close(pair[WRITE_END]);
}

/* Waits until the exec has worked or failed; the child is reaped when it failed. */
static pid_t await_exec(pid_t pid, int error_fd, int cancel_fd)
{
    int error = exec_error(error_fd, cancel_fd);
    if (error == 0)
        return pid;
    (void)kill(pid, SIGKILL);
    (void)ssp__wait_exit(pid, ssp__wait_now_ms() + EXIT_MS);
    errno = error;
    return -1;
}

pid_t ssp__child_spawn(const struct ssp__guardian_plan *plan, uint16_t port,
                       const struct ssp__child_fds *fds, int *lifeline_fd)
{
    int life[2], error[2];
    if (pipe2(life, O_CLOEXEC) == -1)
        return -1;
    if (pipe2(error, O_CLOEXEC) == -1) {
        close_both(life);
        return -1;
    }
    struct start s = {.plan = plan,
                      .fds = fds,
                      .life_fd = life[READ_END],
                      .error_fd = error[WRITE_END],
                      .parent = getpid(),
                      .port_number = port,
                      .sandbox = {.ruleset_fd = -1}};
    if (plan->sandbox != NULL)
        s.sandbox = *plan->sandbox;
    compose_argv(&s);
    compose_env(&s, port);
    pid_t pid = fork();
    if (pid == 0)
        become(&s);
    (void)close(error[WRITE_END]);
    if (pid > 0) {
        (void)setpgid(pid, pid); /* here and in the child: either may run first */
        pid = await_exec(pid, error[READ_END], fds->cancel);
    }
    int why = errno;
    (void)close(error[READ_END]);
    (void)close(life[READ_END]);
    if (pid == -1)
        (void)close(life[WRITE_END]);
    else
        *lifeline_fd = life[WRITE_END];
    errno = why;
    return pid;
}

/* True for another guardian, which is a fork of this process and runs the same file, and for a
 * child that the program itself has started: processes of guardians are not in our session.  A
 * guardian may be hidden from its own user, unlike a plugin in the sandbox. */
static bool is_our_own(const struct ssp__proc *kin)
{
    char path[64], theirs[PATH_MAX], ours[PATH_MAX];
    if (kin->session == getsid(0))
        return true;
    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)kin->pid);
    ssize_t n = readlink(path, theirs, sizeof theirs);
    if (n == -1 && errno == EACCES)
        return true;
    return n > 0 && readlink("/proc/self/exe", ours, sizeof ours) == n &&
           memcmp(theirs, ours, (size_t)n) == 0;
}

unsigned ssp__child_kill_all(bool spare_our_own)
{
    DIR *proc = ssp__proc_open();
    struct ssp__proc kin;
    unsigned killed = 0;
    if (proc == NULL)
        return 0;
    while (ssp__proc_next_child(proc, &kin)) {
        if (spare_our_own && is_our_own(&kin))
            continue;
        bool hit = kill(kin.pid, SIGKILL) == 0; /* another user's may be out of reach by now */
        if (spare_our_own)                      /* the program reaps its other children itself */
            hit = ssp__waitpid(kin.pid, NULL, WNOHANG) == 0 && hit;
        killed += hit;
    }
    (void)closedir(proc);
    return killed;
}
