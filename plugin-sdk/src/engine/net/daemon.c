/* SPDX-License-Identifier: Apache-2.0 */
#include "net/daemon.h"

#include "base/log.h"
#include "base/retry.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID_FILE_MODE = 0644, DAEMON_UMASK = 077, PID_TEXT_MAX = 24, SIGNAL_STATUS = 128 };

void ssp__daemon_open_stdio(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd != -1 && fd <= STDERR_FILENO);
    if (fd != -1)
        (void)close(fd);
}

static void to_null(int first, int last)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = first; null != -1 && fd <= last; fd++)
        (void)dup2(null, fd);
    if (null > STDERR_FILENO)
        (void)close(null);
}

/* ---- the pid file ---- */

/* Whether name still leads to the file that is open as fd. */
static bool same_file(int fd, const char *name)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && lstat(name, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

/* A mistyped -f must not cost a configuration file: only a number is written over. */
static bool holds_a_pid(int fd)
{
    char text[PID_TEXT_MAX + 1];
    ssize_t n = pread(fd, text, sizeof text, 0);
    for (ssize_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)text[i]) && !isspace((unsigned char)text[i]))
            return false;
    }
    return n >= 0 && n < (ssize_t)sizeof text;
}

/* Returns what is wrong with the file, or NULL. */
static const char *unfit(int fd, const struct stat *status)
{
    if (S_ISCHR(status->st_mode)) /* /dev/null */
        return NULL;
    if (!S_ISREG(status->st_mode))
        return "not a regular file";
    if (status->st_nlink > 1)
        return "the file has another name, too; remove it";
    return holds_a_pid(fd) ? NULL : "the file holds something else; remove it or name another";
}

/* Returns 0, or -1 with a sentence in why. */
static int lock_file(int fd, const char *name, char *why, size_t why_cap)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) == 0)
        return 0;
    int error = errno;
    if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        (void)snprintf(why, why_cap, "pid file %s: process %d runs with it; stop it first", name,
                       (int)lock.l_pid);
    else
        (void)snprintf(why, why_cap, "pid file %s: lock it: %s", name, strerror(error));
    return -1;
}

/* Opens the file, and locks it if so asked.  Returns the descriptor, or -1 with a sentence in why.
 */
static int open_pid_file(const char *name, bool locked, char *why, size_t why_cap)
{
    struct stat status;
    int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = open(name, flags, PID_FILE_MODE);
    if (fd == -1 || fstat(fd, &status) == -1) {
        (void)snprintf(why, why_cap, "pid file %s: %s", name,
                       errno == ELOOP ? "a symbolic link; name the file itself" : strerror(errno));
        return -1;
    }
    const char *problem = unfit(fd, &status);
    if (problem != NULL)
        (void)snprintf(why, why_cap, "pid file %s: %s", name, problem);
    else if (!S_ISREG(status.st_mode) || !locked || lock_file(fd, name, why, why_cap) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* The number stands in the file whole, or there is no file. */
static int write_pid(int fd, const char *name)
{
    char text[PID_TEXT_MAX];
    struct stat status;
    int n = snprintf(text, sizeof text, "%d", (int)getpid());
    bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (regular && ftruncate(fd, 0) == -1)
        return -1;
    ssize_t written = ssp__write(fd, text, (size_t)n);
    if (written == n)
        return 0;
    int error = written == -1 ? errno : ENOSPC;
    if (regular && same_file(fd, name))
        (void)unlink(name);
    errno = error;
    return -1;
}

/* A daemon that ends may remove the file between our open and our lock. */
static int take_pid_file(struct ssp__daemon *d, const char *name, char *why, size_t why_cap)
{
    int fd = open_pid_file(name, true, why, why_cap);
    while (fd != -1 && !same_file(fd, name)) {
        (void)close(fd);
        fd = open_pid_file(name, true, why, why_cap);
    }
    if (fd == -1)
        return -1;
    if (write_pid(fd, name) == -1) {
        (void)snprintf(why, why_cap, "pid file %s: %s", name, strerror(errno));
        (void)close(fd);
        return -1;
    }
    d->pid_file = name;
    d->pid_fd = fd;
    return 0;
}

int ssp__daemon_succeed(struct ssp__daemon *d, char *why, size_t why_cap)
{
    struct stat status;
    if (d->pid_file == NULL || !d->beside)
        return 0;
    d->beside = false;
    bool regular = fstat(d->pid_fd, &status) == 0 && S_ISREG(status.st_mode);
    if (regular && lock_file(d->pid_fd, d->pid_file, why, why_cap) == -1) {
        d->beside = true;
        return -1;
    }
    if (write_pid(d->pid_fd, d->pid_file) == 0)
        return 0;
    (void)snprintf(why, why_cap, "pid file %s: %s", d->pid_file, strerror(errno));
    return -1;
}

pid_t ssp__daemon_running(const char *pid_file)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(pid_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool held = fd != -1 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd != -1)
        (void)close(fd);
    return held ? lock.l_pid : 0;
}

void ssp__daemon_leave(struct ssp__daemon *d)
{
    if (d->pid_file != NULL)
        (void)close(d->pid_fd);
    d->pid_file = NULL;
}

/* ---- the background ---- */

/* The starter waits for the child and takes over its status. */
__attribute__((noreturn)) static void await_start(pid_t child, int fd)
{
    char byte;
    int status = 0;
    if (ssp__read(fd, &byte, 1) == 1)
        _exit(EXIT_SUCCESS);
    (void)ssp__waitpid(child, &status, 0);
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    (void)fprintf(stderr, "the process in the background died: %s\n", strsignal(WTERMSIG(status)));
    _exit(SIGNAL_STATUS + WTERMSIG(status));
}

/* The caller goes on as the child. */
static int detach(struct ssp__daemon *d, char *why, size_t why_cap)
{
    int pair[2];
    *d = (struct ssp__daemon){.starter = -1};
    pid_t pid = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0)
        pid = fork();
    if (pid == -1) {
        (void)snprintf(why, why_cap, "go to the background: %s", strerror(errno));
        return -1;
    }
    (void)close(pair[pid == 0 ? 0 : 1]);
    if (pid > 0)
        await_start(pid, pair[0]);
    d->starter = pair[1];
    ssp__log_echo(true);
    (void)signal(SIGXFSZ, SIG_IGN); /* NOLINT(bugprone-signal-handler): write() tells */
    (void)setsid();
    to_null(STDIN_FILENO, STDOUT_FILENO);
    return 0;
}

int ssp__daemon_detach(struct ssp__daemon *d, const char *pid_file, char *why, size_t why_cap)
{
    int rc = detach(d, why, why_cap);
    if (rc == 0)
        rc = take_pid_file(d, pid_file, why, why_cap);
    (void)umask(DAEMON_UMASK); /* the pid file is for everyone */
    return rc;
}

int ssp__daemon_detach_beside(struct ssp__daemon *d, const char *pid_file, char *why,
                              size_t why_cap)
{
    if (detach(d, why, why_cap) == -1)
        return -1;
    d->pid_fd = open_pid_file(pid_file, false, why, why_cap);
    (void)umask(DAEMON_UMASK);
    if (d->pid_fd == -1)
        return -1;
    d->pid_file = pid_file;
    d->beside = true;
    return 0;
}

bool ssp__daemon_ready(struct ssp__daemon *d)
{
    if (d->pid_file == NULL || d->starter == -1)
        return true;
    bool awaited = ssp__send(d->starter, "", 1, MSG_NOSIGNAL) == 1;
    (void)close(d->starter);
    d->starter = -1;
    ssp__log_echo(false);
    to_null(STDERR_FILENO, STDERR_FILENO);
    return awaited;
}

void ssp__daemon_end(struct ssp__daemon *d)
{
    struct stat status;
    if (d->pid_file == NULL)
        return;
    if (!d->beside && fstat(d->pid_fd, &status) == 0 && S_ISREG(status.st_mode) &&
        same_file(d->pid_fd, d->pid_file))
        (void)unlink(d->pid_file);
    (void)close(d->pid_fd);
    d->pid_file = NULL;
}

/* ---- user and limits ---- */

static const struct passwd *find_user(const char *user)
{
    const struct passwd *entry = getpwnam(user);
    if (entry != NULL || !isdigit((unsigned char)user[0]))
        return entry;
    char *end;
    errno = 0;
    unsigned long uid = strtoul(user, &end, 10);
    return errno == 0 && *end == '\0' && uid <= UINT32_MAX ? getpwuid((uid_t)uid) : NULL;
}

/* The rest of what PR_SET_KEEPCAPS has left goes.  libc has no function for it. */
static int keep_net_admin_only(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = 1U << CAP_NET_ADMIN, .permitted = 1U << CAP_NET_ADMIN}};
    return (int)syscall(SYS_capset, &head, caps);
}

int ssp__daemon_become(const char *user, bool keep_net_admin, char *why, size_t why_cap)
{
    const struct passwd *entry = find_user(user);
    if (entry == NULL) {
        (void)snprintf(why, why_cap, "user %s: no such user", user);
        return -1;
    }
    if (entry->pw_uid == geteuid() && entry->pw_gid == getegid())
        return 0;
    bool root = geteuid() == 0;
    if (root && keep_net_admin)
        (void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (initgroups(entry->pw_name, entry->pw_gid) == 0 &&
        setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) == 0 &&
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) == 0 &&
        !(root && keep_net_admin && keep_net_admin_only() == -1))
        return 0;
    (void)snprintf(why, why_cap, "become user %s: %s", user, strerror(errno));
    return -1;
}

unsigned ssp__daemon_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    return (unsigned)limit.rlim_cur;
}

void ssp__daemon_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int ssp__daemon_limit_files(unsigned n, char *why, size_t why_cap)
{
    struct rlimit limit = {n, n};
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    int error = errno;
    ssp__daemon_raise_files();
    (void)snprintf(why, why_cap, "limit of %u open files: %s; it is %u", n, strerror(error),
                   ssp__daemon_files());
    return -1;
}
