/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_check.h"
#include "host/find.h"
#include "host/host_impl.h"
#include "host/image.h"
#include "host/liveness.h"
#include "host/notify.h"
#include "host/prepare.h"
#include "host/process/child.h"
#include "host/readiness.h"
#include "host/ready/port.h"
#include "host/report/failure.h"
#include "procfs/diag.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FIRST_START_MS = 1000, /* what the first start waits for its outcome */
    BACKOFF_MS = 100,      /* before the second restart; the first one is at once */
    BACKOFF_MAX_MS = 30000,
    HEALTHY_MS = 60000, /* after this long, the next restart is the first again */
    PORT_TRIES = 3,
    PORT_MS = 10, /* between looks at the port while a process exits */
    WHY_MAX = 1024,
    SIGNAL_STATUS = 128
};

/* ---- start ---- */

/* The plugin gets a fresh port at each start, unless it was given one; a client's that takes it, a
 * listening socket too, which is ours then.  Returns what it is handed. */
static struct ssp__handed choose_port(ssp_host *h)
{
    bool client = h->conf.role == SSP_CLIENT;
    struct ssp__handed handed = h->sockets;
    h->port = client ? h->conf.local_port : h->conf.remote_port;
    if (client && h->takes_listen_fds) {
        int fd = ssp__port_listen(h->listen_host, h->conf.mode, ssp__loop_paced(h->loop), &h->port);
        if (fd != -1)
            handed = (struct ssp__handed){1, {fd}};
    }
    if (handed.n == 0 && ssp__conf_check_choose_port(&h->conf))
        h->port = ssp__port_free(h->listen_host, h->conf.mode);
    return handed;
}

/* Asks for the start, whose outcome is a report.  Returns 0, or the errno of what went wrong. */
static int launch(ssp_host *h)
{
    struct ssp__handed handed = choose_port(h);
    h->handed = handed.n > 0;
    if (h->port == 0)
        return EADDRNOTAVAIL;
    ssp__guardian_spawn(&h->guardian, h->port, &handed);
    if (handed.n > 0 && h->sockets.n == 0)
        (void)close(handed.fd[0]);
    h->state = LAUNCHING;
    h->since_ms = ssp__loop_now_ms(h->loop);
    return 0;
}

static void started(ssp_host *h, pid_t pid)
{
    h->pid = pid;
    ssp__members_add(&h->members, pid);
    h->state = STARTING;
    h->since_ms = ssp__loop_now_ms(h->loop);
    ssp__output_begin(&h->lines, h->name, h->pid);
    ssp__notices_begin(&h->notices);
    h->foreign = false;
    h->foreigners = (struct ssp__foreign){.logged = 0};
    h->said_ready = h->seen_listening = false;
    h->reload = false;
    ssp__readiness_limit(h);
}

/* ---- exit ---- */

static void die(ssp_host *h, const char *why)
{
    h->state = DEAD;
    ssp__deadline_clear(&h->due);
    h->conf.on_death(h->conf.arg, why);
}

/* A random quarter more or less, so that many hosts do not restart in step. */
static unsigned with_jitter(unsigned ms)
{
    uint32_t draw = 0;
    (void)!getrandom(&draw, sizeof draw, GRND_NONBLOCK);
    return ms - ms / 4 + draw % (ms / 2 + 1);
}

/* 0, 100 ms, 200 ms, ... */
static unsigned next_backoff(unsigned ms)
{
    if (ms == 0)
        return BACKOFF_MS;
    return ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS;
}

static void wait_for_restart(ssp_host *h, const char *why)
{
    if (h->state == READY && ssp__host_elapsed_ms(h) >= HEALTHY_MS)
        h->backoff_ms = 0;
    unsigned wait_ms = with_jitter(h->backoff_ms);
    h->backoff_ms = next_backoff(h->backoff_ms);
    h->state = WAITING;
    h->since_ms = ssp__loop_now_ms(h->loop);
    ssp__host_limit(h, wait_ms);
    h->conf.on_down(h->conf.arg, why);
}

static void not_started(ssp_host *h, int error)
{
    char why[WHY_MAX];
    ssp__failure_exec(h, error, NULL, why, sizeof why);
    if (h->conf.restart)
        wait_for_restart(h, why);
    else
        die(h, why);
}

static void start_again(ssp_host *h)
{
    int error = launch(h);
    if (error != 0)
        not_started(h, error);
}

/* These statuses mean a wrong configuration: the next start would fail the same way.  23 is
 * v2ray-plugin's. */
static bool is_configuration_error(const struct ssp__guardian_report *r)
{
    return r->code == CLD_EXITED && (r->status == SSP_EXIT_USAGE || r->status == SSP_EXIT_CONFIG ||
                                     r->status == SSP_EXIT_NOPERM || r->status == 23);
}

static bool may_change_port(const ssp_host *h)
{
    return ssp__conf_check_choose_port(&h->conf) && h->port_tries < PORT_TRIES;
}

static bool lost_its_port(const ssp_host *h)
{
    return h->state == STARTING && may_change_port(h) && ssp__failure_port_taken(h);
}

static void exited(ssp_host *h, const struct ssp__guardian_report *r)
{
    char why[WHY_MAX];
    ssp__host_drain(h); /* its last output is logged before its exit */
    ssp__failure_exit(h, r, why, sizeof why);
    h->exit_status = r->code == CLD_EXITED ? r->status : SIGNAL_STATUS + r->status;
    h->pid = 0;
    ssp__members_close(&h->members);
    ssp__deadline_clear(&h->due);
    if (h->state == DEAD)
        return;
    if (h->state == RETRYING || lost_its_port(h)) {
        h->port_tries++;
        ssp_info("plugin %s lost port %u to another process: trying the next one", h->name,
                 h->port);
        start_again(h);
    } else if (h->conf.restart && !is_configuration_error(r)) {
        wait_for_restart(h, why);
    } else {
        die(h, why);
    }
}

static void line_comes(void *arg, const char *line)
{
    ssp_host *h = arg;
    if (h->state != DEAD)
        h->conf.on_line(h->conf.arg, line);
}

static void control_ready(void *arg);

/* The report of the start may come after the plugin's first words, which need its pid. */
static bool may_speak(ssp_host *h)
{
    if (h->state == LAUNCHING)
        control_ready(h);
    return h->state != LAUNCHING;
}

static void output_ready(void *arg)
{
    ssp_host *h = arg;
    if (may_speak(h))
        (void)ssp__output_read(&h->lines, h->guardian.output_fd, ssp__loop_now_ms(h->loop));
}

static void notices_ready(void *arg)
{
    ssp_host *h = arg;
    if (may_speak(h))
        (void)ssp__notices_read(&h->notices, h->guardian.notify_fd, ssp__loop_now_ms(h->loop));
}

/* ---- readiness ---- */

/* It runs, but does not serve.  Its exit brings the restart. */
static void put_down(ssp_host *h, const char *why)
{
    ssp__guardian_end(&h->guardian, false);
    if (h->conf.restart)
        ssp_error("%s", why);
    else
        die(h, why);
}

static void not_ready_in_time(ssp_host *h)
{
    char why[WHY_MAX];
    ssp__failure_late(h, why, sizeof why);
    put_down(h, why);
}

static void is_deaf(ssp_host *h)
{
    char why[WHY_MAX];
    (void)snprintf(why, sizeof why, "plugin %s[%d] has closed its port %u, though it runs", h->name,
                   (int)h->pid, h->port);
    put_down(h, why);
}

/* Without restart a stop is left to whom it was made by: its end would be that of the program. */
static void is_stalled(ssp_host *h, pid_t pid)
{
    char why[WHY_MAX];
    if (!h->conf.restart)
        return;
    (void)snprintf(why, sizeof why, "plugin %s[%d] stays stopped (process %d): started again",
                   h->name, (int)h->pid, (int)pid);
    put_down(h, why);
}

/* Without /proc nobody can tell whose a socket is; the port being taken is all that is known. */
static void is_seen_listening(ssp_host *h, const struct ssp__guardian_report *r)
{
    for (unsigned i = 0; i < r->members; i++) {
        if (r->member[i] != h->pid)
            ssp__members_add(&h->members, r->member[i]);
    }
    if (r->unverified && !h->said_unverified)
        ssp_info("plugin %s: cannot tell who listens on port %u, so whoever does is taken for it, "
                 "and what it detaches may outlive it: mount the /proc of this PID namespace",
                 h->name, h->port);
    h->said_unverified = h->said_unverified || r->unverified;
    h->seen_listening = true;
    ssp__readiness_limit(h);
    ssp__readiness_consider(h);
}

/* The foreign listener would get the connections of our users. */
static void port_is_foreign(ssp_host *h)
{
    h->foreign = true;
    if (!may_change_port(h))
        return;
    h->state = RETRYING;
    ssp__deadline_clear(&h->due);
    ssp__guardian_end(&h->guardian, false);
}

static void state_is_over(void *arg)
{
    ssp_host *h = arg;
    ssp__readiness_consider(h);
    if (h->state == STARTING && h->conf.ready == SSP_READY_STARTED)
        ssp__readiness_reached(h);
    else if (h->state == STARTING)
        not_ready_in_time(h);
    else if (h->state == WAITING)
        start_again(h);
}

/* ---- from the guardian ---- */

static void guardian_gone(ssp_host *h)
{
    ssp__host_bury(h);
    ssp__host_drain(h);
    h->pid = 0;
    ssp__members_close(&h->members);
    ssp__host_stop_watching(h); /* all are at their end */
    if (h->state != DEAD)
        die(h, "the guardian process of the plugin was killed");
}

static void says_stopped(const ssp_host *h, pid_t pid)
{
    if (pid == h->pid)
        ssp_error("plugin %s[%d] is stopped and carries nothing: let it go on with kill -CONT %d",
                  h->name, (int)pid, (int)pid);
    else
        ssp_error("plugin %s[%d]: its process %d is stopped and carries nothing: let it go on with "
                  "kill -CONT %d",
                  h->name, (int)h->pid, (int)pid, (int)pid);
}

static void report_of_ready(ssp_host *h, const struct ssp__guardian_report *r)
{
    if (r->event == SSP_GUARDIAN_DEAF)
        is_deaf(h);
    else if (r->event == SSP_GUARDIAN_STOPPED)
        says_stopped(h, r->pid);
    else if (r->event == SSP_GUARDIAN_STALLED)
        is_stalled(h, r->pid);
    else if (r->event == SSP_GUARDIAN_CONTINUED)
        ssp_info("plugin %s[%d] goes on", h->name, (int)h->pid);
    else if (r->event == SSP_GUARDIAN_BUSY)
        ssp_error("plugin %s[%d] does not accept connections: %u wait at port %u; look what "
                  "holds it, or restart it",
                  h->name, (int)h->pid, r->waiting, h->port);
}

/* Its next start would do the same. */
static void is_exposed(ssp_host *h)
{
    char why[WHY_MAX];
    if (h->conf.exposed) {
        ssp_info("plugin %s listens beyond loopback on port %u, which plugin_exposed allows",
                 h->name, h->port);
        return;
    }
    (void)snprintf(why, sizeof why,
                   "plugin %s listens beyond loopback on port %u, so that everybody who reaches "
                   "this machine may use it: update it to listen on SS_LOCAL_HOST (%s), or set "
                   "plugin_exposed",
                   h->name, h->port, h->listen_host);
    ssp__guardian_end(&h->guardian, false);
    die(h, why);
}

static void report_of_start(ssp_host *h, const struct ssp__guardian_report *r)
{
    if (r->event == SSP_GUARDIAN_LISTENING)
        is_seen_listening(h, r);
    else if (r->event == SSP_GUARDIAN_FOREIGN)
        port_is_foreign(h);
}

static void control_ready(void *arg)
{
    ssp_host *h = arg;
    struct ssp__guardian_report r;
    if (!ssp__guardian_report(&h->guardian, &r))
        return;
    ssp__host_note_end(h, &r);
    if (r.event == SSP_GUARDIAN_EXITED)
        exited(h, &r);
    else if (r.event == SSP_GUARDIAN_GONE)
        guardian_gone(h);
    else if (r.event == SSP_GUARDIAN_EXPOSED && (h->state == STARTING || h->state == READY))
        is_exposed(h);
    else if (h->state == LAUNCHING && r.event == SSP_GUARDIAN_STARTED)
        started(h, r.pid);
    else if (h->state == LAUNCHING && r.event == SSP_GUARDIAN_REFUSED)
        not_started(h, r.error);
    else if (h->state == STARTING)
        report_of_start(h, &r);
    else if (h->state == READY)
        report_of_ready(h, &r);
}

/* ---- the functions of the program ---- */

static void open_tap(ssp_host *h, struct ssp__tap *tap, int fd, void (*read)(void *arg))
{
    *tap = (struct ssp__tap){.loop = h->loop, .fd = fd, .read = read, .arg = h};
    ssp__tap_open(tap);
}

/* A start that has no outcome in time goes on in the loop. */
static int first_launch(ssp_host *h, char *why, size_t cap)
{
    struct ssp__guardian_report r = {.event = SSP_GUARDIAN_GONE};
    int error = launch(h);
    if (error == 0 && ssp__guardian_await_spawn(&h->guardian, FIRST_START_MS, &r)) {
        error = r.event == SSP_GUARDIAN_STARTED ? 0 : r.error;
        if (error == 0)
            started(h, r.pid);
    }
    if (error == 0) {
        h->control = ssp__watch_open(h->loop, h->guardian.control_fd, control_ready, h);
        error = h->control != NULL ? 0 : ENOMEM;
    }
    if (error != 0) {
        ssp__failure_exec(h, error, NULL, why, cap);
        return -1;
    }
    open_tap(h, &h->output, h->guardian.output_fd, output_ready);
    open_tap(h, &h->heard, h->guardian.notify_fd, notices_ready);
    return 0;
}

/* Sets the fields that outlive the call of ssp_host_start(). */
static void fill(ssp_host *h, ssp_loop *loop, const ssp_host_conf *conf)
{
    h->loop = loop;
    h->conf = *conf;
    h->guardian = SSP_NO_GUARDIAN;
    h->user_lock = -1;
    h->notices.name = h->name;
    h->lines.name = h->name; /* its output may come before the news that it runs */
    h->notices.fn = ssp__notify_line;
    h->notices.arg = h;
    h->lines.on_line = conf->on_line != NULL ? line_comes : NULL;
    h->lines.arg = h;
    h->exit_status = -1;
    h->due.fire = state_is_over;
    h->due.arg = h;
    (void)snprintf(h->listen_host, sizeof h->listen_host, "%s", ssp__conf_check_listen_host(conf));
    h->options = conf->options != NULL ? strdup(conf->options) : NULL;
}

/* A program that does not know of them would try to bind the same address. */
static int take_sockets(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap)
{
    h->takes_listen_fds = ssp__image_takes_listen_fds(h->path);
    if (conf->n_sockets == 0)
        return 0;
    if (conf->role != SSP_SERVER || conf->n_sockets > SSP_HANDED_MAX ||
        !ssp__image_shares_port(h->path)) {
        (void)snprintf(why, cap,
                       "plugin %s takes no listening sockets, or not so many: it binds "
                       "its addresses itself",
                       h->name);
        return -1;
    }
    h->sockets.n = conf->n_sockets;
    memcpy(h->sockets.fd, conf->sockets, conf->n_sockets * sizeof *conf->sockets);
    return 0;
}

ssp_host *ssp_host_start(ssp_loop *loop, const ssp_host_conf *given, char *why, size_t why_cap)
{
    ssp_host_conf conf;
    if (ssp__conf_check_read(&conf, given, why, why_cap) == -1)
        return NULL;
    ssp_host *h = calloc(1, sizeof *h);
    if (h == NULL) {
        (void)snprintf(why, why_cap, "start plugin %s: out of memory", conf.plugin);
        return NULL;
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    fill(h, loop, &conf);
    if (ssp__prepare_find(h, &conf, why, why_cap) == 0 &&
        take_sockets(h, &conf, why, why_cap) == 0) {
        if (ssp__prepare_guardian(h, &conf, why, why_cap) == 0 &&
            first_launch(h, why, why_cap) == 0)
            return h;
    }
    ssp_host_stop(h);
    return NULL;
}

int ssp_host_find(const char *plugin, const char *directory, char *path, size_t path_cap)
{
    return ssp__find_plugin(plugin, directory, path, path_cap);
}

uint16_t ssp_host_port(const ssp_host *h)
{
    return h->port;
}

void ssp_host_declare_ready(ssp_host *h)
{
    if (h->state == STARTING && h->conf.ready == SSP_READY_SAID && h->pid > 0)
        ssp__readiness_reached(h);
}

/* Before it is ready it may not handle the signal yet, which would end it. */
void ssp_host_reload(ssp_host *h)
{
    if (h->state == READY)
        ssp__guardian_reload(&h->guardian);
    else
        h->reload = true;
}

/* Its death is no reason to start it again. */
void ssp_host_retire(ssp_host *h)
{
    h->conf.restart = false;
    h->retired = true;
    if (h->state == WAITING)
        die(h, "it was not running");
    else if (h->state == READY)
        ssp__guardian_retire(&h->guardian);
}

static bool has_lost_port(const ssp_host *h)
{
    struct ssp__listeners found;
    return h->seen_listening && ssp__listeners_find(&found, SSP_TCP, h->port) == 0 &&
           found.n == 0 && ssp__listeners_find(&found, SSP_UDP, h->port) == 0 && found.n == 0;
}

/* A tunnel takes its port with it, before its wrapper follows.  Many streams end at once. */
static void look_at_port(ssp_host *h)
{
    uint64_t now_ms = ssp__loop_now_ms(h->loop);
    if (now_ms - h->port_ms < PORT_MS)
        return;
    h->port_ms = now_ms;
    h->lost_port = has_lost_port(h);
}

enum ssp__liveness ssp__host_liveness(ssp_host *h)
{
    bool accepts = h->conf.role == SSP_SERVER || h->state == READY;
    if (h->pid == 0 || h->state == DEAD || !accepts) /* what stands is of the one before */
        return SSP_DEAD;
    enum ssp__liveness liveness = ssp__members_liveness(&h->members, ssp__loop_now_ms(h->loop));
    if (liveness != SSP_LEAVING)
        return liveness;
    look_at_port(h);
    return h->lost_port ? SSP_DEAD : SSP_LEAVING;
}

int ssp_host_exit_status(const ssp_host *h)
{
    return h->exit_status;
}
