/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_check.h"
#include "host/find.h"
#include "host/host_impl.h"
#include "host/image.h"
#include "host/liveness.h"
#include "host/notify.h"
#include "host/prepare.h"
#include "host/process/child.h"
#include "host/ready/port.h"
#include "host/report/failure.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TICK_MS = 20, /* precision of the waits below */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 30000,
    HEALTHY_MS = 60000, /* after this long, the next wait is the first again */
    PORT_TRIES = 3,
    HANDED_MS = 1000,
    KILL_LIMIT_MS = 1000,
    DRAIN_TURNS = 64,
    WHY_MAX = 1024,
    SIGNAL_STATUS = 128
};

/* ---- start ---- */

/* The plugin gets a fresh port at each start, unless it was given one; a client's that takes it, a
 * listening socket too. */
static int choose_port(ssp_host *h)
{
    bool client = h->conf.role == SSP_CLIENT;
    int fd = -1;
    h->port = client ? h->conf.local_port : h->conf.remote_port;
    if (client && h->takes_listen_fds)
        fd = ssp__port_listen(h->listen_host, h->conf.mode, ssp__loop_paced(h->loop), &h->port);
    if (fd == -1 && ssp__conf_check_choose_port(&h->conf))
        h->port = ssp__port_free(h->listen_host, h->conf.mode);
    return fd;
}

/* Returns 0, or the errno of what went wrong. */
static int launch(ssp_host *h)
{
    int listen_fd = choose_port(h);
    h->handed = listen_fd != -1;
    if (h->port == 0)
        return EADDRNOTAVAIL;
    struct ssp__guardian_report r = ssp__guardian_spawn(&h->guardian, h->port, listen_fd);
    if (listen_fd != -1)
        (void)close(listen_fd);
    if (r.event != SSP_GUARDIAN_STARTED)
        return r.error != 0 ? r.error : EIO;
    h->pid = r.pid;
    ssp__members_add(&h->members, r.pid);
    h->state = STARTING;
    h->since_ms = ssp__loop_now_ms(h->loop);
    ssp__output_begin(&h->lines, h->name, h->pid);
    ssp__notices_begin(&h->notices);
    h->foreign = false;
    h->foreigners = (struct ssp__foreign){.logged = 0};
    h->said_ready = h->seen_listening = false;
    h->reload = false;
    ssp__timer_start(h->loop, &h->tick, TICK_MS);
    return 0;
}

/* ---- exit ---- */

static void die(ssp_host *h, const char *why)
{
    h->state = DEAD;
    ssp__timer_stop(&h->tick);
    h->conf.on_death(h->conf.arg, why);
}

/* A random quarter more or less, so that many hosts do not restart in step. */
static unsigned with_jitter(unsigned ms)
{
    uint32_t draw = 0;
    (void)!getrandom(&draw, sizeof draw, GRND_NONBLOCK);
    return ms - ms / 4 + draw % (ms / 2 + 1);
}

static void wait_for_restart(ssp_host *h, const char *why)
{
    if (h->state == READY && ssp__host_elapsed_ms(h) >= HEALTHY_MS)
        h->backoff_ms = BACKOFF_FIRST_MS;
    h->wait_ms = with_jitter(h->backoff_ms);
    h->backoff_ms = h->backoff_ms * 2 < BACKOFF_MAX_MS ? h->backoff_ms * 2 : BACKOFF_MAX_MS;
    h->state = WAITING;
    h->since_ms = ssp__loop_now_ms(h->loop);
    ssp__timer_start(h->loop, &h->tick, TICK_MS);
    h->conf.on_down(h->conf.arg, why);
}

static void start_again(ssp_host *h)
{
    char why[WHY_MAX];
    int error = launch(h);
    if (error == 0)
        return;
    (void)snprintf(why, sizeof why, "start plugin %s: %s", h->name, strerror(error));
    if (h->conf.restart)
        wait_for_restart(h, why);
    else
        die(h, why);
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

static void drain(ssp_host *h)
{
    for (int i = 0; i < DRAIN_TURNS; i++) {
        if (!ssp__output_read(&h->lines, h->guardian.output_fd, ssp__loop_now_ms(h->loop)))
            break;
    }
    ssp__output_end(&h->lines);
    for (int i = 0; i < DRAIN_TURNS; i++) {
        if (ssp__notices_read(&h->notices, h->guardian.notify_fd, ssp__loop_now_ms(h->loop)) == 0)
            break;
    }
}

static void exited(ssp_host *h, const struct ssp__guardian_report *r)
{
    char why[WHY_MAX];
    drain(h); /* its last output is logged before its exit */
    ssp__failure_exit(h, r, why, sizeof why);
    h->exit_status = r->code == CLD_EXITED ? r->status : SIGNAL_STATUS + r->status;
    h->pid = 0;
    ssp__members_close(&h->members);
    ssp__timer_stop(&h->tick);
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
    if (h->state != DEAD && h->conf.on_line != NULL)
        h->conf.on_line(h->conf.arg, line);
}

static void output_ready(void *arg)
{
    ssp_host *h = arg;
    (void)ssp__output_read(&h->lines, h->guardian.output_fd, ssp__loop_now_ms(h->loop));
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

static void listens(ssp_host *h)
{
    ssp__timer_stop(&h->tick);
    h->state = READY;
    h->port_tries = 0;
    if (h->reload)
        ssp__guardian_reload(&h->guardian);
    h->conf.on_ready(h->conf.arg);
}

/* A socket that was handed over listens before the plugin has read its options: READY=1 tells that
 * it serves.  A plugin that never says so counts as ready after a while. */
void ssp__host_consider(ssp_host *h)
{
    bool serves = !h->handed || h->said_ready || ssp__host_elapsed_ms(h) >= HANDED_MS;
    if (h->state == STARTING && h->seen_listening && serves)
        listens(h);
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
    ssp__host_consider(h);
}

/* The foreign listener would get the connections of our users. */
static void port_is_foreign(ssp_host *h)
{
    h->foreign = true;
    if (!may_change_port(h))
        return;
    h->state = RETRYING;
    ssp__timer_stop(&h->tick);
    ssp__guardian_end(&h->guardian, false);
}

static void tick(void *arg)
{
    ssp_host *h = arg;
    uint64_t passed_ms = ssp__host_elapsed_ms(h);
    ssp__host_consider(h);
    if (h->state == STARTING && h->conf.ready == SSP_READY_STARTED)
        listens(h);
    else if (h->state == STARTING && passed_ms >= h->conf.ready_ms)
        not_ready_in_time(h);
    else if (h->state == WAITING && passed_ms >= h->wait_ms)
        start_again(h);
    else if (h->state == STARTING || h->state == WAITING)
        ssp__timer_start(h->loop, &h->tick, TICK_MS);
}

/* ---- from the guardian ---- */

/* We are the next subreaper, so that children of a killed guardian are ours now. */
static void kill_orphans(const ssp_host *h)
{
    if (h->pid > 0)
        (void)kill(-h->pid, SIGKILL);
    while (ssp__child_kill_all(true) > 0)
        continue;
}

static void stop_watching(ssp_host *h)
{
    ssp__timer_stop(&h->rest);
    ssp__watch_close(h->control);
    ssp__watch_close(h->output);
    ssp__watch_close(h->heard);
    h->control = h->output = h->heard = NULL;
}

static void guardian_gone(ssp_host *h)
{
    kill_orphans(h);
    drain(h);
    h->pid = 0;
    ssp__members_close(&h->members);
    stop_watching(h); /* all are at their end */
    if (h->state != DEAD)
        die(h, "the guardian process of the plugin was killed");
}

static void control_ready(void *arg)
{
    ssp_host *h = arg;
    struct ssp__guardian_report r;
    if (!ssp__guardian_report(&h->guardian, &r))
        return;
    if (r.event == SSP_GUARDIAN_EXITED)
        exited(h, &r);
    else if (r.event == SSP_GUARDIAN_GONE)
        guardian_gone(h);
    else if (r.event == SSP_GUARDIAN_LISTENING && h->state == STARTING)
        is_seen_listening(h, &r);
    else if (r.event == SSP_GUARDIAN_FOREIGN && h->state == STARTING)
        port_is_foreign(h);
    else if (r.event == SSP_GUARDIAN_DEAF && h->state == READY)
        is_deaf(h);
    else if (r.event == SSP_GUARDIAN_STOPPED && h->state == READY)
        ssp_error("plugin %s[%d] is stopped and carries nothing: let it go on with kill -CONT %d",
                  h->name, (int)h->pid, (int)h->pid);
}

/* ---- the functions of the program ---- */

static int first_launch(ssp_host *h, char *why, size_t cap)
{
    int error = launch(h);
    if (error == 0) {
        h->control = ssp__watch_open(h->loop, h->guardian.control_fd, control_ready, h);
        h->output = ssp__watch_open(h->loop, h->guardian.output_fd, output_ready, h);
        ssp__notify_watch(h);
        error = h->control != NULL && h->output != NULL && h->heard != NULL ? 0 : ENOMEM;
    }
    if (error == 0)
        return 0;
    ssp__failure_exec(h, error, NULL, why, cap);
    return -1;
}

/* Sets the fields that outlive the call of ssp_host_start(). */
static void fill(ssp_host *h, ssp_loop *loop, const ssp_host_conf *conf)
{
    h->loop = loop;
    h->conf = *conf;
    h->guardian = SSP_NO_GUARDIAN;
    h->backoff_ms = BACKOFF_FIRST_MS;
    h->notices.name = h->name;
    h->notices.fn = ssp__notify_line;
    h->notices.arg = h;
    h->lines.on_line = line_comes;
    h->lines.arg = h;
    h->exit_status = -1;
    h->tick.fire = tick;
    h->rest.fire = ssp__notify_watch;
    h->tick.arg = h->rest.arg = h;
    (void)snprintf(h->listen_host, sizeof h->listen_host, "%s", ssp__conf_check_listen_host(conf));
    h->options = conf->options != NULL ? strdup(conf->options) : NULL;
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
    if (ssp__prepare_find(h, &conf, why, why_cap) == 0) {
        h->takes_listen_fds = ssp__image_takes_listen_fds(h->path);
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
        listens(h);
}

/* Before it is ready it may not handle the signal yet, which would end it. */
void ssp_host_reload(ssp_host *h)
{
    if (h->state == READY)
        ssp__guardian_reload(&h->guardian);
    else
        h->reload = true;
}

enum ssp__liveness ssp__host_liveness(ssp_host *h)
{
    if (h->pid == 0 || h->state == DEAD)
        return SSP_DEAD;
    return ssp__members_liveness(&h->members, ssp__loop_now_ms(h->loop));
}

int ssp_host_exit_status(const ssp_host *h)
{
    return h->exit_status;
}

/* Waits for the exit, draining the output so that a full pipe cannot hold it. */
static bool exited_within(ssp_host *h, unsigned limit_ms, struct ssp__guardian_report *r)
{
    uint64_t until = ssp__loop_now_ms(h->loop) + limit_ms;
    for (;;) {
        if (ssp__guardian_report(&h->guardian, r) && r->event >= SSP_GUARDIAN_EXITED)
            return true;
        uint64_t now = ssp__loop_now_ms(h->loop);
        if (now >= until)
            return false;
        struct pollfd p[3] = {{.fd = h->guardian.control_fd, .events = POLLIN},
                              {.fd = h->guardian.output_fd, .events = POLLIN},
                              {.fd = h->guardian.notify_fd, .events = POLLIN}};
        (void)poll(p, 3, (int)(until - now));
        if (p[1].revents & POLLIN)
            output_ready(h);
        if (p[2].revents & POLLIN)
            (void)ssp__notices_read(&h->notices, h->guardian.notify_fd, now);
    }
}

void ssp_host_begin_stop(ssp_host *h)
{
    if (h == NULL || h->stopping_ms != 0)
        return;
    ssp__timer_stop(&h->tick);
    h->state = DEAD;
    h->lines.ending = true;
    h->stopping_ms = ssp__loop_now_ms(h->loop);
    if (h->pid > 0 && h->control != NULL)
        ssp__guardian_end(&h->guardian, true);
}

static void finish_stop(ssp_host *h)
{
    uint64_t passed_ms = ssp__loop_now_ms(h->loop) - h->stopping_ms;
    unsigned limit_ms = h->conf.grace_ms + KILL_LIMIT_MS;
    struct ssp__guardian_report r;
    bool exited = exited_within(h, passed_ms < limit_ms ? limit_ms - (unsigned)passed_ms : 0, &r);
    /* The time alone is no proof: after a wait for others, the plugin may have exited long ago. */
    if (ssp__loop_now_ms(h->loop) - h->stopping_ms >= h->conf.grace_ms &&
        (!exited || (r.code == CLD_KILLED && r.status == SIGKILL)))
        ssp_error("plugin %s[%d] did not stop within %u ms of SIGTERM: killed", h->name,
                  (int)h->pid, h->conf.grace_ms);
    drain(h);
}

void ssp_host_stop(ssp_host *h)
{
    if (h == NULL)
        return;
    ssp_host_begin_stop(h);
    if (h->pid > 0 && h->control != NULL)
        finish_stop(h);
    stop_watching(h);
    ssp__members_close(&h->members);
    ssp__guardian_release(&h->guardian);
    free(h->options);
    explicit_bzero(h->client_options, sizeof h->client_options);
    explicit_bzero(&h->notices, sizeof h->notices);
    free(h);
}
