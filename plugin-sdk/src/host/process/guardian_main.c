/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/guardian_main.h"

#include "base/retry.h"
#include "host/process/child.h"
#include "host/process/temporary.h"
#include "host/process/wait.h"
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
#include <unistd.h>

enum { CONTROL = 3, OUTPUT, SIGNALS, NOTIFY, SANDBOX, FIRST_FREE };

/* Between looks at a plugin that does not listen yet. */
enum { LOOK_MS = 5, SLOW_LOOK_MS = 50, QUICK_START_MS = 1000 };

/* Between looks at one that does, and after a look that did not find its socket: it may be about to
 * open another one. */
enum { WATCH_MS = 3000, AGAIN_MS = 1000, DEAF_LOOKS = 2 };

/* The kernel is asked first who listens, then who holds it.  A plugin that dies in between looks
 * foreign once; by the next look its exit is known. */
enum { FOREIGN_LOOKS = 2 };

/* Looks in a row that make a plugin stalled when it is stopped, and busy when connections wait. */
enum { STALLED_LOOKS = 2, BUSY_LOOKS = 3 };

enum { REPORT_TRIES = 3 }; /* memory may be out for a moment */

/* A plugin whose host is gone gets so long to remove its files, and a killed process to exit. */
enum { ORPHAN_MS = 150, BURY_MS = 1000 };

struct guardian {
    const struct ssp__guardian_plan *plan;
    pid_t plugin;                  /* 0: none */
    int pidfd;                     /* of the plugin, readable once it has exited; -1: none */
    uint16_t port;                 /* where it must listen; 0: nobody looks */
    bool listening;                /* it has been seen to */
    bool exposed;                  /* it has been said to listen on more than loopback */
    pid_t member[SSP_MEMBERS_MAX]; /* its processes then */
    unsigned members;
    unsigned stopped_looks; /* in a row that found one of them stopped */
    unsigned deaf_looks;    /* in a row that found no socket */
    unsigned busy_looks;    /* in a row that found connections waiting */
    unsigned waiting;       /* so many at the last look */
    uint64_t watch_ms;      /* the next look, once it listens */
    unsigned foreign_looks; /* in a row that found somebody else there */
    uint64_t born_ms;
    int lifeline_fd;  /* write end of the plugin's stdin, or -1 */
    uint64_t kill_ms; /* when SIGKILL is due; 0: not stopping */
    bool unverified;  /* the last look did not find the owner of the socket */
    bool orphaned;    /* the host is gone: no orders, no reports */
};

static void report(const struct ssp__guardian_report *r)
{
    for (int tries = 0; tries < REPORT_TRIES; tries++) {
        if (ssp__send(CONTROL, r, sizeof *r, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof *r)
            return;
    }
    (void)shutdown(CONTROL, SHUT_RDWR); /* a report that is lost would be waited for */
}

static void cut_lifeline(struct guardian *g)
{
    if (g->lifeline_fd != -1)
        (void)close(g->lifeline_fd);
    g->lifeline_fd = -1;
}

/* Kills all children, and reaps those that have ended.  Without a usable /proc nothing is known of
 * adopted children: they are not waited for.  Returns true once none is left. */
static bool reap_killed(struct guardian *g)
{
    if (g->plugin > 0)
        (void)kill(-g->plugin, SIGKILL);
    (void)ssp__child_kill_all(false);
    for (pid_t pid; (pid = ssp__waitpid(-1, NULL, WNOHANG)) != 0;) {
        if (pid == -1)
            return true;
        if (pid == g->plugin)
            g->plugin = 0;
    }
    return g->plugin == 0 && !ssp__proc_usable();
}

static void drain_signals(void)
{
    struct signalfd_siginfo drained[8];
    while (ssp__read(SIGNALS, drained, sizeof drained) == (ssize_t)sizeof drained)
        continue;
}

/* Kills every child, adopted ones included, until there is none.  One that hangs in the kernel, and
 * children that fork faster than they die, are not waited for longer than that. */
static void kill_all(struct guardian *g)
{
    struct pollfd died = {.fd = SIGNALS, .events = POLLIN};
    uint64_t until_ms = ssp__wait_now_ms() + BURY_MS;
    cut_lifeline(g);
    while (!reap_killed(g) && ssp__wait_left(until_ms) > 0) {
        (void)poll(&died, 1, ssp__wait_left(until_ms));
        drain_signals();
    }
    if (g->pidfd != -1)
        (void)close(g->pidfd);
    g->pidfd = -1;
    g->plugin = 0;
    g->port = 0;
    g->kill_ms = g->watch_ms = 0;
}

static void spawn(struct guardian *g, uint16_t port, const struct ssp__handed *listen)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_STARTED};
    if (g->plugin > 0)
        kill_all(g);
    struct ssp__child_fds fds = {
        .output = OUTPUT, .notify = NOTIFY, .listen = listen, .cancel = CONTROL};
    g->plugin = ssp__child_spawn(g->plan, port, &fds, &g->lifeline_fd);
    g->port = g->plan->unwatched ? 0 : port;
    g->foreign_looks = g->deaf_looks = g->busy_looks = g->stopped_looks = 0;
    g->waiting = g->members = 0;
    g->listening = g->exposed = false;
    g->born_ms = ssp__wait_now_ms();
    g->watch_ms = g->plan->unwatched ? g->born_ms + WATCH_MS : 0;
    r.pid = g->plugin;
    if (g->plugin == -1) {
        g->plugin = 0;
        g->port = 0;
        g->watch_ms = 0;
        r = (struct ssp__guardian_report){.event = SSP_GUARDIAN_REFUSED, .error = errno};
    } else {
        g->pidfd = (int)syscall(SYS_pidfd_open, g->plugin, 0);
    }
    report(&r);
}

/* Looks for the plugin's socket. */
static bool listens_by(struct guardian *g, enum ssp__transport transport, bool *foreign)
{
    int rc = ssp__listening(getpid(), transport, g->port, foreign);
    g->unverified = g->unverified || rc == SSP_LISTENING_UNVERIFIED;
    return rc > 0;
}

/* Every transport of the mode must listen.  A server's plugin may receive UDP instead of TCP. */
static bool listens(struct guardian *g, bool *foreign)
{
    ssp_mode mode = g->plan->mode;
    bool foreign_tcp = false, foreign_udp = false, ignored;
    g->unverified = false;
    bool tcp = mode == SSP_UDP_ONLY || listens_by(g, SSP_TCP, &foreign_tcp);
    bool udp = mode == SSP_TCP_ONLY || listens_by(g, SSP_UDP, &foreign_udp);
    if (!tcp && mode == SSP_TCP_ONLY && g->plan->any_wire)
        tcp = listens_by(g, SSP_UDP, &ignored);
    *foreign = foreign_tcp || foreign_udp;
    return tcp && udp;
}

/* Any user may listen on the same port of another address: with a foreign socket there, nothing is
 * said against the plugin, whose own would not let it in. */
static bool is_exposed(uint16_t port, enum ssp__transport transport)
{
    struct ssp__listeners found;
    bool foreign;
    return ssp__listeners_find(&found, transport, port) == 0 && found.exposed &&
           ssp__listening(getpid(), transport, port, &foreign) > 0 && !foreign;
}

/* Everybody who reaches the machine could use it. */
static void tell_exposure(struct guardian *g)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_EXPOSED, .pid = g->plugin};
    ssp_mode mode = g->plan->mode;
    if (!g->plan->loopback || g->exposed)
        return;
    g->exposed = (mode != SSP_UDP_ONLY && is_exposed(g->port, SSP_TCP)) ||
                 (mode != SSP_TCP_ONLY && is_exposed(g->port, SSP_UDP));
    if (g->exposed)
        report(&r);
}

/* Checks whether the plugin listens.  The host itself may not inspect a process of another user. */
static void look(struct guardian *g)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_LISTENING, .pid = g->plugin};
    bool foreign;
    bool there = listens(g, &foreign);
    g->foreign_looks = foreign ? g->foreign_looks + 1 : 0;
    if (there && (!foreign || g->plan->shares_port)) {
        g->listening = true;
        g->watch_ms = ssp__wait_now_ms() + WATCH_MS;
        tell_exposure(g);
        r.unverified = g->unverified;
        r.members = ssp__proc_tree(getpid(), r.member, SSP_MEMBERS_MAX);
        g->members = r.members;
        memcpy(g->member, r.member, sizeof g->member);
        report(&r);
    } else if (g->foreign_looks == FOREIGN_LOOKS) {
        r.event = SSP_GUARDIAN_FOREIGN;
        report(&r);
    }
}

/* A kernel that does not answer says nothing against the plugin. */
static bool is_open(struct guardian *g, enum ssp__transport transport)
{
    struct ssp__listeners found;
    if (ssp__listeners_find(&found, transport, g->port) == -1)
        return true;
    if (transport == SSP_TCP)
        g->waiting = found.waiting;
    return found.n > 0;
}

/* Its socket was seen to be its own, so that the port is enough. */
static bool still_listens(struct guardian *g)
{
    ssp_mode mode = g->plan->mode;
    bool tcp = mode == SSP_UDP_ONLY || is_open(g, SSP_TCP);
    bool udp = mode == SSP_TCP_ONLY || is_open(g, SSP_UDP);
    if (!tcp && mode == SSP_TCP_ONLY && g->plan->any_wire)
        tcp = is_open(g, SSP_UDP);
    return tcp && udp;
}

static bool is_stopped(pid_t pid)
{
    struct ssp__proc process;
    return ssp__proc_read(&process, pid) && process.state == 'T' &&
           ssp__proc_descends(pid, getpid());
}

/* A tunnel that is stopped below its wrapper is as bad as a plugin that is. */
static pid_t stopped_member(const struct guardian *g)
{
    if (is_stopped(g->plugin))
        return g->plugin;
    for (unsigned i = 0; i < g->members; i++) {
        if (is_stopped(g->member[i]))
            return g->member[i];
    }
    return 0;
}

static void tell(enum ssp__guardian_event event, pid_t pid, unsigned waiting)
{
    struct ssp__guardian_report r = {.event = event, .pid = pid, .waiting = waiting};
    report(&r);
}

static void watch_state(struct guardian *g)
{
    pid_t pid = stopped_member(g);
    if (pid == 0 && g->stopped_looks > 0)
        tell(SSP_GUARDIAN_CONTINUED, g->plugin, 0);
    g->stopped_looks = pid != 0 ? g->stopped_looks + 1 : 0;
    if (g->stopped_looks == 1)
        tell(SSP_GUARDIAN_STOPPED, pid, 0);
    else if (g->stopped_looks == STALLED_LOOKS)
        tell(SSP_GUARDIAN_STALLED, pid, 0);
}

/* Connections that wait and do not become fewer: it does not accept them. */
static void watch_port(struct guardian *g)
{
    unsigned before = g->waiting;
    g->waiting = 0;
    g->deaf_looks = still_listens(g) ? 0 : g->deaf_looks + 1;
    bool stuck = g->waiting > 0 && g->waiting >= before && g->stopped_looks == 0;
    g->busy_looks = stuck ? g->busy_looks + 1 : 0;
    if (g->deaf_looks == DEAF_LOOKS)
        tell(SSP_GUARDIAN_DEAF, g->plugin, 0);
    if (g->busy_looks == BUSY_LOOKS)
        tell(SSP_GUARDIAN_BUSY, g->plugin, g->waiting);
}

/* Does it still serve?  A connection is no way to ask: a plugin would dial for it. */
static void watch(struct guardian *g)
{
    watch_state(g);
    if (g->port != 0) {
        tell_exposure(g);
        watch_port(g);
    }
    g->watch_ms = ssp__wait_now_ms() + (g->deaf_looks == 1 ? AGAIN_MS : WATCH_MS);
}

static void stop(struct guardian *g, unsigned grace_ms)
{
    g->port = 0;
    g->watch_ms = 0;
    cut_lifeline(g);
    (void)kill(-g->plugin, SIGTERM);
    (void)kill(-g->plugin, SIGCONT); /* a stopped plugin cannot handle SIGTERM */
    g->kill_ms = ssp__wait_now_ms() + grace_ms;
}

static _Noreturn void leave(const struct guardian *g)
{
    if (g->plan->temporary != NULL)
        ssp__temporary_remove(g->plan->temporary);
    _exit(EXIT_SUCCESS);
}

static void lose_host(struct guardian *g)
{
    unsigned grace_ms = g->plan->grace_ms < ORPHAN_MS ? g->plan->grace_ms : ORPHAN_MS;
    if (g->plugin <= 0)
        leave(g);
    g->orphaned = true;
    stop(g, grace_ms);
}

/* The plugin has exited: kills its descendants, then reports the exit. */
static void end_plugin(struct guardian *g, const siginfo_t *info)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_EXITED,
                                     .pid = g->plugin,
                                     .code = info->si_code,
                                     .status = info->si_status};
    kill_all(g);
    if (g->orphaned)
        leave(g);
    report(&r);
}

/* The pidfd is readable.  WNOWAIT keeps the pid from being reused before its group has been killed.
 * */
static void plugin_exited(struct guardian *g)
{
    siginfo_t info = {.si_pid = 0};
    if (ssp__waitid(P_PIDFD, (id_t)g->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == g->plugin)
        end_plugin(g, &info);
}

/* Reaps adopted descendants of the plugin, so that no zombie stays. */
static void reap_adopted(struct guardian *g)
{
    siginfo_t info;
    drain_signals();
    for (;;) {
        info.si_pid = 0;
        if (ssp__waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
            return;
        if (info.si_pid == g->plugin) {
            end_plugin(g, &info); /* its pidfd is readable too, but has not been looked at yet */
            return;
        }
        (void)ssp__waitpid(info.si_pid, NULL, WNOHANG);
    }
}

static struct ssp__handed received(struct msghdr *m)
{
    struct ssp__handed handed = {.n = 0};
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return handed;
    handed.n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof *handed.fd);
    memcpy(handed.fd, CMSG_DATA(c), handed.n * sizeof *handed.fd);
    return handed;
}

/* Its port may be another process's by now. */
static void retire(struct guardian *g)
{
    g->port = 0;
    g->watch_ms = 0;
    (void)kill(g->plugin, SIGWINCH);
}

static void take_order(struct guardian *g)
{
    struct ssp__guardian_order order;
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(SSP_HANDED_MAX * sizeof(int))];
    } rights;
    struct iovec body = {&order, sizeof order};
    struct msghdr m = {.msg_iov = &body,
                       .msg_iovlen = 1,
                       .msg_control = rights.space,
                       .msg_controllen = sizeof rights.space};
    ssize_t n = ssp__recvmsg(CONTROL, &m, MSG_CMSG_CLOEXEC);
    if (n == -1 && errno != ECONNRESET && errno != ENOTCONN)
        return; /* the order is still there */
    if (n != (ssize_t)sizeof order) {
        lose_host(g);
        return;
    }
    struct ssp__handed handed = received(&m);
    if (order.what == SSP_ORDER_SPAWN)
        spawn(g, order.port, &handed);
    else if (g->plugin > 0 && order.what == SSP_ORDER_RELOAD)
        (void)kill(g->plugin, SIGHUP);
    else if (g->plugin > 0 && order.what == SSP_ORDER_RETIRE)
        retire(g);
    else if (g->plugin > 0 && order.what == SSP_ORDER_STOP)
        stop(g, g->plan->grace_ms);
    else if (g->plugin > 0 && order.what == SSP_ORDER_KILL)
        (void)kill(-g->plugin, SIGKILL);
    for (unsigned i = 0; i < handed.n; i++)
        (void)close(handed.fd[i]);
}

/* Without one of its descriptors a guardian would wait for what never comes: the host sees an end.
 */
static int needed(int fd)
{
    if (fd == -1)
        _exit(EXIT_FAILURE);
    return fd;
}

static void move_fd(int from, int to)
{
    if (from == to || from == -1)
        return;
    (void)needed(dup3(from, to, O_CLOEXEC));
    (void)close(from);
}

/* Closes all descriptors of the host but control, the plugin's two pipes and the sandbox's ruleset,
 * which move to fixed places. */
static void settle_descriptors(const struct ssp__guardian_plan *plan, int control_fd, int output_fd,
                               int notify_fd)
{
    /* First out of the way of the fixed places, then onto them. */
    int control = needed(fcntl(control_fd, F_DUPFD_CLOEXEC, FIRST_FREE));
    int output = needed(fcntl(output_fd, F_DUPFD_CLOEXEC, FIRST_FREE));
    int notify = needed(fcntl(notify_fd, F_DUPFD_CLOEXEC, FIRST_FREE));
    int ruleset = plan->sandbox != NULL && plan->sandbox->ruleset_fd != -1
                      ? needed(fcntl(plan->sandbox->ruleset_fd, F_DUPFD_CLOEXEC, FIRST_FREE))
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

static void become_guardian(void)
{
    sigset_t all, child;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)signal(SIGCHLD,
                 SIG_DFL); /* NOLINT(bugprone-signal-handler): an ignored one reaps alone */
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    move_fd(needed(signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC)), SIGNALS);
    (void)setsid(); /* a terminal's Ctrl-C is for the host; and see ssp__child_kill_all() */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, "ss-guardian");
}

/* Time until the next look or SIGKILL; -1: none is due. */
static int wait_ms(const struct guardian *g)
{
    uint64_t due = g->kill_ms != 0 ? g->kill_ms : g->watch_ms;
    if (g->port != 0 && !g->listening)
        return ssp__wait_now_ms() - g->born_ms < QUICK_START_MS ? LOOK_MS : SLOW_LOOK_MS;
    return due == 0 ? -1 : ssp__wait_left(due);
}

/* Called in each turn, since a flood of events may keep poll() from timing out. */
static void kill_when_due(struct guardian *g)
{
    if (g->kill_ms == 0 || ssp__wait_now_ms() < g->kill_ms)
        return;
    (void)kill(-g->plugin, SIGKILL);
    g->kill_ms = 0;
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
    become_guardian();
    if (mine.sandbox != NULL)
        ssp__sandbox_guard_self(&sandbox);
    struct guardian g = {.plan = &mine, .pidfd = -1, .lifeline_fd = -1};
    for (;;) {
        struct pollfd p[3] = {{.fd = g.orphaned ? -1 : CONTROL, .events = POLLIN},
                              {.fd = SIGNALS, .events = POLLIN},
                              {.fd = g.pidfd, .events = POLLIN}};
        (void)poll(p, 3, wait_ms(&g));
        if (p[2].revents != 0)
            plugin_exited(&g);
        if (p[1].revents != 0)
            reap_adopted(&g);
        if (g.port != 0 && !g.listening)
            look(&g);
        else if (g.watch_ms != 0 && ssp__wait_now_ms() >= g.watch_ms)
            watch(&g);
        kill_when_due(&g);
        if (p[0].revents != 0)
            take_order(&g);
    }
}
