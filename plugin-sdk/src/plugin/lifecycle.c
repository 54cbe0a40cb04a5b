/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/lifecycle.h"

#include "base/retry.h"
#include "net/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_LISTEN_FD = 3 };

/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one process, one parent */
static pid_t parent;

/* Some hosts leave SIGPIPE and SIGABRT ignored, or signals blocked, in what they start. */
static void reset_signals(void)
{
    struct sigaction dflt = {.sa_handler = SIG_DFL}, ignore = {.sa_handler = SIG_IGN};
    sigset_t none;
    for (int signo = 1; signo < NSIG; signo++)
        (void)sigaction(signo, signo == SIGPIPE ? &ignore : &dflt, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void ssp__lifecycle_reset(void)
{
    ssp__daemon_open_stdio();
    reset_signals();
    parent = getppid();
}

int ssp__lifecycle_follow(int signo)
{
    return prctl(PR_SET_PDEATHSIG, signo) == 0 ? 0 : -1;
}

int ssp_lifecycle_begin(void)
{
    ssp__lifecycle_reset();
    if (getenv("SS_REMOTE_HOST") != NULL)
        (void)ssp__lifecycle_follow(SIGTERM);
    return ssp_lifecycle_orphaned() ? -1 : 0;
}

int ssp_lifecycle_input_fd(void)
{
    const char *request = getenv("SS_EXIT_ON_STDIN_CLOSE");
    return request != NULL && strcmp(request, "1") == 0 ? STDIN_FILENO : -1;
}

bool ssp__lifecycle_input_ended(void)
{
    struct pollfd p = {.fd = ssp_lifecycle_input_fd(), .events = POLLIN};
    char ignored[64];
    ssize_t n = 1;
    while (n > 0 && ssp__poll_now(&p, 1) == 1)
        n = ssp__read(p.fd, ignored, sizeof ignored);
    return n == 0;
}

bool ssp_lifecycle_orphaned(void)
{
    return getppid() != parent;
}

static bool listens(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on != 0;
}

unsigned ssp__lifecycle_handed(void)
{
    const char *count = getenv("LISTEN_FDS"), *receiver = getenv("LISTEN_PID");
    unsigned n = 0;
    if (count == NULL || receiver == NULL || strtol(receiver, NULL, 10) != (long)getpid())
        return 0;
    for (long given = strtol(count, NULL, 10); n < given && listens(FIRST_LISTEN_FD + (int)n); n++)
        (void)fcntl(FIRST_LISTEN_FD + (int)n, F_SETFD, FD_CLOEXEC);
    return n;
}

int ssp_lifecycle_listen_fd(void)
{
    return ssp__lifecycle_handed() > 0 ? FIRST_LISTEN_FD : -1;
}
