/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/guardian_main.h"

#include "host/process/child.h"
#include "procfs/close_range.h"
#include "procfs/listening.h"
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
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONTROL = 3, OUTPUT, SIGNALS, NOTIFY, SANDBOX, FIRST_FREE };

/* Between looks at a plugin that does not listen yet. */
enum { LOOK_MS = 5, SLOW_LOOK_MS = 50, QUICK_START_MS = 1000 };

/* The kernel is asked first who listens, then who holds it.  A plugin that dies in between looks
 * foreign once; by the next look its exit is known. */
enum { FOREIGN_LOOKS = 2 };

/* A plugin whose host is gone gets so long to remove what it has on disk. */
enum { ORPHAN_MS = 150 };

struct warden {
    const struct ssp__guardian_plan *plan;
    pid_t plugin;           /* 0: none */
    int pidfd;              /* of the plugin, readable once it has exited; -1: none */
    uint16_t port;          /* where it must listen; 0: it does already */
    unsigned foreign_looks; /* in a row that found somebody else there */
    uint64_t born_ms;
    int lifeline_fd;  /* write end of the plugin's stdin, or -1 */
    uint64_t kill_ms; /* when patience ends; 0: not stopping */
    bool unverified;  /* the last look could not tell whose the socket is */
    bool orphaned;    /* the host is gone: nothing is heard or told any more */
};

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void report(const struct ssp__guardian_report *r)
{
    (void)send(CONTROL, r, sizeof *r, MSG_NOSIGNAL);
}

static void cut_lifeline(struct warden *w)
{
    if (w->lifeline_fd != -1)
        (void)close(w->lifeline_fd);
    w->lifeline_fd = -1;
}

/* Without a usable /proc nothing is known of adopted children: they are not waited for. */
static bool reap_killed(const struct warden *w)
{
    int options = ssp__proc_usable() ? 0 : WNOHANG;
    if (w->plugin > 0)
        (void)kill(-w->plugin, SIGKILL);
    (void)ssp__child_kill_all(false);
    if (options == WNOHANG && w->plugin > 0 && waitpid(w->plugin, NULL, 0) == w->plugin)
        return true;
    pid_t pid = waitpid(-1, NULL, options);
    return pid > 0 || (pid == -1 && errno == EINTR);
}

/* Kills every child, adopted ones included, until there is none. */
static void kill_all(struct warden *w)
{
    cut_lifeline(w);
    while (reap_killed(w))
        continue;
    if (w->pidfd != -1)
        (void)close(w->pidfd);
    w->pidfd = -1;
    w->plugin = 0;
    w->port = 0;
    w->kill_ms = 0;
}

static void spawn(struct warden *w, uint16_t port, int listen_fd)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_STARTED};
    if (w->plugin > 0)
        kill_all(w);
    struct ssp__child_fds fds = {.output = OUTPUT, .notify = NOTIFY, .listen = listen_fd};
    w->plugin = ssp__child_spawn(w->plan, port, &fds, &w->lifeline_fd);
    w->port = w->plan->unwatched ? 0 : port;
    w->foreign_looks = 0;
    w->born_ms = now_ms();
    r.pid = w->plugin;
    if (w->plugin == -1) {
        w->plugin = 0;
        w->port = 0;
        r = (struct ssp__guardian_report){.event = SSP_GUARDIAN_REFUSED, .error = errno};
    } else {
        w->pidfd = (int)syscall(SYS_pidfd_open, w->plugin, 0);
    }
    report(&r);
}

/* Looks for the plugin's socket. */
static bool listens_by(struct warden *w, enum ssp__transport transport, bool *foreign)
{
    int rc = ssp__listening(getpid(), transport, w->port, foreign);
    w->unverified = w->unverified || rc == SSP_LISTENING_UNVERIFIED;
    return rc > 0;
}

/* Whatever the mode says must be there.  A server's plugin may have a wire that is not TCP. */
static bool listens(struct warden *w, bool *foreign)
{
    ssp_mode mode = w->plan->mode;
    bool foreign_tcp = false, foreign_udp = false, ignored;
    w->unverified = false;
    bool tcp = mode == SSP_UDP_ONLY || listens_by(w, SSP_TCP, &foreign_tcp);
    bool udp = mode == SSP_TCP_ONLY || listens_by(w, SSP_UDP, &foreign_udp);
    if (!tcp && mode == SSP_TCP_ONLY && w->plan->any_wire)
        tcp = listens_by(w, SSP_UDP, &ignored);
    *foreign = foreign_tcp || foreign_udp;
    return tcp && udp;
}

/* Does it listen yet?  Asked here, since the host may not look into a process of another user. */
static void look(struct warden *w)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_LISTENING, .pid = w->plugin};
    bool foreign;
    bool there = listens(w, &foreign);
    w->foreign_looks = foreign ? w->foreign_looks + 1 : 0;
    if (there && (!foreign || w->plan->shares_port)) {
        w->port = 0;
        r.unverified = w->unverified;
        report(&r);
    } else if (w->foreign_looks == FOREIGN_LOOKS) {
        r.event = SSP_GUARDIAN_FOREIGN;
        report(&r);
    }
}

static void stop(struct warden *w, unsigned grace_ms)
{
    w->port = 0;
    cut_lifeline(w);
    (void)kill(-w->plugin, SIGTERM);
    (void)kill(-w->plugin, SIGCONT); /* a stopped plugin cannot hear SIGTERM */
    w->kill_ms = now_ms() + grace_ms;
}

static void outlive_host(struct warden *w)
{
    unsigned grace_ms = w->plan->grace_ms < ORPHAN_MS ? w->plan->grace_ms : ORPHAN_MS;
    if (w->plugin <= 0)
        _exit(EXIT_SUCCESS);
    w->orphaned = true;
    stop(w, grace_ms);
}

/* The plugin is dead: what it left behind follows it, then the host hears. */
static void bury(struct warden *w, const siginfo_t *info)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_EXITED,
                                     .pid = w->plugin,
                                     .code = info->si_code,
                                     .status = info->si_status};
    kill_all(w);
    if (w->orphaned)
        _exit(EXIT_SUCCESS);
    report(&r);
}

/* The pidfd has spoken.  WNOWAIT, so that the pid is not reused before its group has been killed.
 */
static void plugin_exited(struct warden *w)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PIDFD, (id_t)w->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == w->plugin)
        bury(w, &info);
}

/* Reaps what the plugin has left to us, so that no zombie stays. */
static void reap_adopted(struct warden *w)
{
    struct signalfd_siginfo drained[8];
    siginfo_t info;
    (void)!read(SIGNALS, drained, sizeof drained);
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
            return;
        if (info.si_pid == w->plugin) {
            bury(w, &info); /* its pidfd is readable too, but has not been looked at yet */
            return;
        }
        (void)waitpid(info.si_pid, NULL, WNOHANG);
    }
}

static int received_fd(struct msghdr *m)
{
    int fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

static void obey(struct warden *w)
{
    struct ssp__guardian_order order;
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } rights;
    struct iovec body = {&order, sizeof order};
    struct msghdr m = {.msg_iov = &body,
                       .msg_iovlen = 1,
                       .msg_control = rights.space,
                       .msg_controllen = sizeof rights.space};
    ssize_t n = recvmsg(CONTROL, &m, MSG_CMSG_CLOEXEC);
    if (n == -1 && errno == EINTR)
        return;
    if (n != (ssize_t)sizeof order) {
        outlive_host(w);
        return;
    }
    int fd = received_fd(&m);
    if (order.what == SSP_WARDEN_SPAWN)
        spawn(w, order.port, fd);
    else if (w->plugin > 0 && order.what == SSP_WARDEN_RELOAD)
        (void)kill(w->plugin, SIGHUP);
    else if (w->plugin > 0 && order.what == SSP_WARDEN_STOP)
        stop(w, w->plan->grace_ms);
    else if (w->plugin > 0 && order.what == SSP_WARDEN_KILL)
        (void)kill(-w->plugin, SIGKILL);
    if (fd != -1)
        (void)close(fd);
}

static void move_fd(int from, int to)
{
    if (from == to || from == -1)
        return;
    (void)dup3(from, to, O_CLOEXEC);
    (void)close(from);
}

/* Nothing of the host's stays open: control, the plugin's two pipes and the sandbox's ruleset move
 * to fixed places, everything else is closed. */
static void settle_descriptors(const struct ssp__guardian_plan *plan, int control_fd, int output_fd,
                               int notify_fd)
{
    /* First out of the way of the fixed places, then onto them. */
    int control = fcntl(control_fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    int output = fcntl(output_fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    int notify = fcntl(notify_fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    int ruleset = plan->sandbox != NULL && plan->sandbox->ruleset_fd != -1
                      ? fcntl(plan->sandbox->ruleset_fd, F_DUPFD_CLOEXEC, FIRST_FREE)
                      : -1;
    (void)ssp__close_range(CONTROL, FIRST_FREE - 1, 0);
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i <= STDERR_FILENO; i++)
        (void)dup2(null, i);
    if (null > STDERR_FILENO)
        (void)close(null);
    move_fd(control, CONTROL);
    move_fd(output, OUTPUT);
    move_fd(notify, NOTIFY);
    move_fd(ruleset, SANDBOX);
    (void)ssp__close_range(FIRST_FREE, UINT_MAX, 0);
}

static void become_warden(void)
{
    sigset_t all, child;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)signal(SIGCHLD,
                 SIG_DFL); /* NOLINT(bugprone-signal-handler): an ignored one reaps alone */
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    int fd = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1)
        _exit(EXIT_FAILURE); /* who cannot hear of deaths is no guardian */
    move_fd(fd, SIGNALS);
    (void)setsid(); /* a terminal's Ctrl-C is for the host; and see ssp__child_kill_all() */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, "ss-guardian");
}

/* Until there is something to do without being asked. */
static int patience_ms(const struct warden *w)
{
    uint64_t now = now_ms();
    if (w->port != 0)
        return now - w->born_ms < QUICK_START_MS ? LOOK_MS : SLOW_LOOK_MS;
    if (w->kill_ms == 0)
        return -1;
    return now >= w->kill_ms ? 0 : (int)(w->kill_ms - now);
}

/* However much else happens meanwhile. */
static void lose_patience(struct warden *w)
{
    if (w->kill_ms == 0 || now_ms() < w->kill_ms)
        return;
    (void)kill(-w->plugin, SIGKILL);
    w->kill_ms = 0;
}

_Noreturn void ssp__guardian_main(const struct ssp__guardian_plan *plan, int control_fd,
                                  int output_fd, int notify_fd)
{
    struct ssp__sandbox sandbox;
    struct ssp__guardian_plan mine = *plan;
    settle_descriptors(plan, control_fd, output_fd, notify_fd);
    if (plan->sandbox != NULL) {
        sandbox = *plan->sandbox;
        sandbox.ruleset_fd = plan->sandbox->ruleset_fd != -1 ? SANDBOX : -1;
        mine.sandbox = &sandbox;
    }
    become_warden();
    struct warden w = {.plan = &mine, .pidfd = -1, .lifeline_fd = -1};
    for (;;) {
        struct pollfd p[3] = {{.fd = w.orphaned ? -1 : CONTROL, .events = POLLIN},
                              {.fd = SIGNALS, .events = POLLIN},
                              {.fd = w.pidfd, .events = POLLIN}};
        (void)poll(p, 3, patience_ms(&w));
        if (p[2].revents != 0)
            plugin_exited(&w);
        if (p[1].revents != 0)
            reap_adopted(&w);
        if (w.port != 0)
            look(&w);
        lose_patience(&w);
        if (p[0].revents != 0)
            obey(&w);
    }
}
