/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/process.h"

#include <ssplugin/lifecycle.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID_FILE_MODE = 0644, DAEMON_UMASK = 077 };

/* A symbolic link at this name is refused: the directory may be anyone's. */
static int write_pid(const char *path, pid_t pid)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%d", (int)pid);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, PID_FILE_MODE);
    if (fd == -1)
        return -1;
    int rc = write(fd, text, (size_t)n) == n ? 0 : -1;
    return close(fd) == 0 ? rc : -1;
}

static void stdio_to_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd == -1)
        return;
    for (int i = 0; i <= STDERR_FILENO; i++)
        (void)dup2(fd, i);
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

int ssp__process_detach(const char *pid_file, char *why, size_t why_cap)
{
    pid_t pid = fork();
    if (pid == -1) {
        (void)snprintf(why, why_cap, "fork: %s", strerror(errno));
        return -1;
    }
    if (pid > 0) {
        if (write_pid(pid_file, pid) == 0)
            _exit(EXIT_SUCCESS);
        (void)snprintf(why, why_cap, "write pid file %s: %s", pid_file, strerror(errno));
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return -1;
    }
    (void)umask(DAEMON_UMASK);
    if (setsid() == -1) {
        (void)snprintf(why, why_cap, "detach: %s", strerror(errno));
        return -1;
    }
    stdio_to_null();
    return 0;
}

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

int ssp__process_become(const char *user, char *why, size_t why_cap)
{
    const struct passwd *entry = find_user(user);
    if (entry == NULL) {
        (void)snprintf(why, why_cap, "user %s: no such user", user);
        return -1;
    }
    if (entry->pw_uid == geteuid() && entry->pw_gid == getegid())
        return 0;
    if (initgroups(entry->pw_name, entry->pw_gid) == 0 &&
        setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) == 0 &&
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) == 0)
        return 0;
    (void)snprintf(why, why_cap, "become user %s: %s", user, strerror(errno));
    return -1;
}

int ssp__process_follow(int signo)
{
    return prctl(PR_SET_PDEATHSIG, signo) == 0 ? 0 : -1;
}

bool ssp__process_input_ended(void)
{
    struct pollfd p = {.fd = ssp_lifecycle_input_fd(), .events = POLLIN};
    char ignored[64];
    ssize_t n = 1;
    while (n > 0 && poll(&p, 1, 0) == 1)
        n = read(p.fd, ignored, sizeof ignored);
    return n == 0;
}

int ssp__process_limit_files(unsigned n, char *why, size_t why_cap)
{
    struct rlimit limit = {n, n};
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    (void)snprintf(why, why_cap, "limit of %u open files: %s", n, strerror(errno));
    return -1;
}
