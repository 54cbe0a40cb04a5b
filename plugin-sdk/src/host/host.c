/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "host/child.h"
#include "host/diag.h"
#include "host/environment.h"
#include "host/find.h"
#include "host/guardian.h"
#include "host/hint.h"
#include "host/output.h"
#include "host/reach.h"
#include "host/trust.h"
#include "net/loop.h"
#include "net/socket.h"

#include <ssplugin/host.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TICK_MS = 20, /* how exact the waits below are */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 30000,
    HEALTHY_MS = 60000, /* after this long, the next death is the first again */
    PORT_TRIES = 3,
    LOW_PORTS = 1024,
    KILL_LIMIT_MS = 1000,
    DRAIN_TURNS = 64,
    WHY_MAX = 1024
};

enum state { STARTING, READY, RETRYING, WAITING, DEAD };

struct ssp_host {
    struct ssp_loop *loop;
    struct ssp_guardian guardian;
    struct ssp_watch *control, *output;
    struct ssp_timer tick;
    struct ssp_output lines;
    enum state state;
    pid_t pid;             /* of the plugin; 0: none runs */
    uint64_t stopping_ms;  /* when the stop began; 0: it has not */
    uint64_t since_ms;     /* start of the plugin, or of the wait */
    unsigned backoff_ms;   /* the next wait */
    unsigned wait_ms;      /* the wait under way, with its jitter */
    unsigned port_tries;   /* starts that lost their port, in a row */
    uint16_t port;         /* where the plugin must listen */
    bool foreign;          /* somebody else listens there */
    bool takes_listen_fds; /* it is handed its listening socket */
    char path[PATH_MAX];
    char local_host[INET6_ADDRSTRLEN]; /* of a client's plugin */
    char name[64];                     /* last part of the path */
    char *options;                     /* for hints; owned, may be NULL */
    struct ssp_host_conf conf;         /* its strings are not valid any more, see above */
};

static uint64_t elapsed_ms(const struct ssp_host *h)
{
    return ssp_loop_now_ms(h->loop) - h->since_ms;
}

/* ---- what is said about it ---- */

static void append(char *why, size_t cap, const char *what, const char *text)
{
    size_t len = strlen(why);
    (void)snprintf(why + len, cap - len, "; %s: %s", what, text);
}

static bool says_address_in_use(const struct ssp_host *h)
{
    const char *line[SSP_OUTPUT_LAST];
    unsigned n = ssp_output_last(&h->lines, line);
    for (unsigned i = 0; i < n; i++) {
        if (strcasestr(line[i], "address already in use") != NULL ||
            strcasestr(line[i], "address in use") != NULL)
            return true;
    }
    return false;
}

/* The last line it printed, and what to do about it. */
static void add_hint(const struct ssp_host *h, enum ssp_hint_kind kind, int status, char *why,
                     size_t cap)
{
    const char *line[SSP_OUTPUT_LAST];
    char text[SSP_HINT_MAX], owner[128];
    unsigned n = ssp_output_last(&h->lines, line);
    bool taken = h->foreign || says_address_in_use(h);
    bool owned = taken && ssp_port_owner(h->port, owner, sizeof owner) == 1;
    struct ssp_hint_facts facts = {.kind = kind,
                                   .status = status,
                                   .plugin = h->name,
                                   .path = h->path,
                                   .options = h->options,
                                   .role = h->conf.role,
                                   .port = h->port,
                                   .foreign = owned ? owner : NULL,
                                   .lines = line,
                                   .line_count = n};
    if (n > 0)
        append(why, cap, "it said", line[n - 1]);
    const char *hint = ssp_hint(&facts, text, sizeof text);
    if (hint != NULL)
        append(why, cap, "hint", hint);
}

static void describe_exit(const struct ssp_host *h, const struct ssp_guardian_report *r, char *why,
                          size_t cap)
{
    uint64_t ran_ms = elapsed_ms(h);
    char how[96];
    if (r->code == CLD_EXITED)
        (void)snprintf(how, sizeof how, "exited with status %d", r->status);
    else
        (void)snprintf(how, sizeof how, "was ended by signal %d (%s)", r->status,
                       strsignal(r->status));
    (void)snprintf(why, cap, "plugin %s[%d] %s after %llu.%03llu s", h->name, (int)h->pid, how,
                   (unsigned long long)ran_ms / 1000, (unsigned long long)ran_ms % 1000);
    add_hint(h, r->code == CLD_EXITED ? SSP_HINT_EXIT : SSP_HINT_SIGNAL, r->status, why, cap);
}

/* ---- start ---- */

/* A port that is free now.  Somebody may take it before the plugin does: that is noticed later. */
static uint16_t free_port(const struct ssp_address *loopback)
{
    struct ssp_address a = *loopback;
    uint16_t port = 0;
    int fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return 0;
    if (bind(fd, &a.u.any, a.len) == 0 && getsockname(fd, &a.u.any, &a.len) == 0)
        port = ssp_address_port(&a);
    (void)close(fd);
    return port;
}

/* A client's plugin gets a fresh port at each start; one that takes it, a listening socket too. */
static int choose_port(struct ssp_host *h)
{
    const struct ssp_socket_options plain = {.fast_open = false};
    struct ssp_address a;
    int fd = -1;
    if (h->conf.role != SSP_CLIENT || ssp_address_parse(&a, h->local_host, 0) == -1)
        return -1;
    if (h->takes_listen_fds)
        fd = ssp_socket_listen(&a, &plain, ssp_loop_paced(h->loop));
    if (fd != -1 && getsockname(fd, &a.u.any, &a.len) == 0)
        h->port = ssp_address_port(&a);
    else
        h->port = free_port(&a);
    return fd;
}

/* Returns 0, or the errno of what went wrong. */
static int launch(struct ssp_host *h)
{
    int listen_fd = choose_port(h);
    struct ssp_guardian_report r = ssp_guardian_spawn(&h->guardian, h->port, listen_fd);
    if (listen_fd != -1)
        (void)close(listen_fd);
    if (r.event != SSP_GUARDIAN_STARTED)
        return r.error != 0 ? r.error : EIO;
    h->pid = r.pid;
    h->state = STARTING;
    h->since_ms = ssp_loop_now_ms(h->loop);
    ssp_output_begin(&h->lines, h->name, h->pid);
    h->foreign = false;
    ssp_timer_start(h->loop, &h->tick, TICK_MS);
    return 0;
}

/* ---- death ---- */

static void die(struct ssp_host *h, const char *why)
{
    h->state = DEAD;
    ssp_timer_stop(&h->tick);
    h->conf.on_death(h->conf.arg, why);
}

/* A random quarter more or less, so that many hosts do not come back in step. */
static unsigned with_jitter(unsigned ms)
{
    uint32_t draw = 0;
    (void)!getrandom(&draw, sizeof draw, GRND_NONBLOCK);
    return ms - ms / 4 + draw % (ms / 2 + 1);
}

static void wait_for_restart(struct ssp_host *h, const char *why)
{
    if (h->state == READY && elapsed_ms(h) >= HEALTHY_MS)
        h->backoff_ms = BACKOFF_FIRST_MS;
    h->wait_ms = with_jitter(h->backoff_ms);
    h->backoff_ms = h->backoff_ms * 2 < BACKOFF_MAX_MS ? h->backoff_ms * 2 : BACKOFF_MAX_MS;
    h->state = WAITING;
    h->since_ms = ssp_loop_now_ms(h->loop);
    ssp_timer_start(h->loop, &h->tick, TICK_MS);
    h->conf.on_down(h->conf.arg, why);
}

static void start_again(struct ssp_host *h)
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

/* These exits say that the configuration is wrong: the next start would end the same way.  23 is
 * v2ray-plugin's. */
static bool is_configuration_error(const struct ssp_guardian_report *r)
{
    return r->code == CLD_EXITED && (r->status == SSP_EXIT_USAGE || r->status == SSP_EXIT_CONFIG ||
                                     r->status == SSP_EXIT_NOPERM || r->status == 23);
}

static bool lost_its_port(const struct ssp_host *h)
{
    return h->conf.role == SSP_CLIENT && h->state == STARTING && h->port_tries < PORT_TRIES &&
           says_address_in_use(h);
}

static void drain(struct ssp_host *h)
{
    for (int i = 0; i < DRAIN_TURNS; i++) {
        if (!ssp_output_read(&h->lines, h->guardian.output_fd, ssp_loop_now_ms(h->loop)))
            break;
    }
    ssp_output_end(&h->lines);
}

static void exited(struct ssp_host *h, const struct ssp_guardian_report *r)
{
    char why[WHY_MAX];
    drain(h); /* its last words come before the news of its death */
    describe_exit(h, r, why, sizeof why);
    h->pid = 0;
    ssp_timer_stop(&h->tick);
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

static void output_ready(void *arg)
{
    struct ssp_host *h = arg;
    (void)ssp_output_read(&h->lines, h->guardian.output_fd, ssp_loop_now_ms(h->loop));
}

/* ---- readiness ---- */

static void not_ready_in_time(struct ssp_host *h)
{
    char why[WHY_MAX];
    (void)snprintf(why, sizeof why, "plugin %s[%d] does not listen on port %u within %u.%u s%s",
                   h->name, (int)h->pid, h->port, h->conf.ready_ms / 1000,
                   h->conf.ready_ms % 1000 / 100, h->foreign ? ": another process does" : "");
    add_hint(h, SSP_HINT_NOT_LISTENING, 0, why, sizeof why);
    ssp_guardian_end(&h->guardian, false);
    if (h->conf.restart) {
        h->state = STARTING; /* its exit brings the restart */
        ssp_error("%s", why);
    } else {
        die(h, why);
    }
}

static void listens(struct ssp_host *h)
{
    ssp_timer_stop(&h->tick);
    h->state = READY;
    h->port_tries = 0;
    h->conf.on_ready(h->conf.arg);
}

/* What listens there would be handed our users. */
static void port_is_foreign(struct ssp_host *h)
{
    h->foreign = true;
    if (h->conf.role != SSP_CLIENT || h->port_tries >= PORT_TRIES)
        return;
    h->state = RETRYING;
    ssp_timer_stop(&h->tick);
    ssp_guardian_end(&h->guardian, false);
}

static void tick(void *arg)
{
    struct ssp_host *h = arg;
    uint64_t passed_ms = elapsed_ms(h);
    if (h->state == STARTING && passed_ms >= h->conf.ready_ms)
        not_ready_in_time(h);
    else if (h->state == WAITING && passed_ms >= h->wait_ms)
        start_again(h);
    else if (h->state == STARTING || h->state == WAITING)
        ssp_timer_start(h->loop, &h->tick, TICK_MS);
}

/* ---- from the guardian ---- */

/* What a killed guardian leaves behind is ours now: we are its next subreaper. */
static void bury_orphans(const struct ssp_host *h)
{
    if (h->pid > 0)
        (void)kill(-h->pid, SIGKILL);
    while (ssp_child_kill_all(true) > 0 && waitpid(-1, NULL, 0) > 0)
        continue;
}

static void guardian_gone(struct ssp_host *h)
{
    bury_orphans(h);
    h->pid = 0;
    ssp_watch_close(h->control);
    h->control = NULL;
    if (h->state != DEAD)
        die(h, "the guardian process of the plugin was killed");
}

static void control_ready(void *arg)
{
    struct ssp_host *h = arg;
    struct ssp_guardian_report r;
    if (!ssp_guardian_report(&h->guardian, &r))
        return;
    if (r.event == SSP_GUARDIAN_EXITED)
        exited(h, &r);
    else if (r.event == SSP_GUARDIAN_GONE)
        guardian_gone(h);
    else if (r.event == SSP_GUARDIAN_LISTENING && h->state == STARTING)
        listens(h);
    else if (r.event == SSP_GUARDIAN_FOREIGN && h->state == STARTING)
        port_is_foreign(h);
}

/* ---- from outside ---- */

static int find(struct ssp_host *h, const struct ssp_host_conf *conf, char *why, size_t cap)
{
    const char *slash = strrchr(conf->plugin, '/');
    (void)snprintf(h->name, sizeof h->name, "%s", slash != NULL ? slash + 1 : conf->plugin);
    if (ssp_find_plugin(conf->plugin, conf->directory, h->path, sizeof h->path) == -1) {
        (void)snprintf(why, cap, "start plugin %s: %s", conf->plugin, strerror(errno));
        return -1;
    }
    return ssp_trust_plugin(h->path, why, cap);
}

/* What the guardian needs, from the fork on. */
struct provisions {
    struct ssp_privilege privilege;
    struct ssp_sandbox sandbox;
    bool sandboxed;
    char **env;
};

static void provisions_release(struct provisions *p)
{
    ssp_host_environment_free(p->env);
    if (p->sandboxed)
        ssp_sandbox_release(&p->sandbox);
}

/* Ports stay open: failover and the like dial what no contract names. */
static int build_sandbox(struct provisions *p, const struct ssp_host *h,
                         const struct ssp_host_conf *conf, char *why, size_t cap)
{
    const char *tmp = getenv("TMPDIR");
    const char *const writable[] = {tmp != NULL && tmp[0] == '/' ? tmp : "/tmp", NULL};
    char note[WHY_MAX / 2] = "";
    struct ssp_reach reach;
    int rc = ssp_reach_read(&reach, conf->options);
    if (rc == 0) {
        struct ssp_sandbox_rules rules = {
            .plugin = h->path, .readable = reach.path, .writable = writable};
        rc = ssp_sandbox_prepare(&p->sandbox, &rules, note, sizeof note);
    }
    ssp_reach_release(&reach);
    p->sandboxed = rc == 0;
    if (rc == -1)
        (void)snprintf(why, cap, "sandbox of plugin %s: %s", h->name, note);
    else if (note[0] != '\0')
        ssp_info("%s", note);
    return rc;
}

static int provide(struct provisions *p, const struct ssp_host *h, const struct ssp_host_conf *conf,
                   char *why, size_t cap)
{
    if (ssp_privilege_prepare(&p->privilege, conf->user, why, cap) == -1)
        return -1;
    p->privilege.keep_net_bind = conf->role == SSP_SERVER && conf->remote_port < LOW_PORTS;
    if (conf->sandbox && build_sandbox(p, h, conf, why, cap) == -1)
        return -1;
    p->env = ssp_host_environment(conf);
    if (p->env != NULL)
        return 0;
    (void)snprintf(why, cap, "start plugin %s: out of memory", h->name);
    return -1;
}

static int start_guardian(struct ssp_host *h, const struct ssp_host_conf *conf, char *why,
                          size_t cap)
{
    struct provisions p = {.env = NULL};
    int rc = provide(&p, h, conf, why, cap);
    if (rc == 0) {
        struct ssp_guardian_plan plan = {.path = h->path,
                                         .name = h->name,
                                         .env = p.env,
                                         .port_variable =
                                             conf->role == SSP_CLIENT ? "SS_LOCAL_PORT=" : NULL,
                                         .shares_port = conf->role == SSP_SERVER,
                                         .grace_ms = conf->grace_ms,
                                         .privilege = &p.privilege,
                                         .sandbox = p.sandboxed ? &p.sandbox : NULL};
        rc = ssp_guardian_start(&h->guardian, &plan);
        if (rc == -1)
            (void)snprintf(why, cap, "start the guardian of plugin %s: %s", h->name,
                           strerror(errno));
    }
    provisions_release(&p);
    return rc;
}

static int first_launch(struct ssp_host *h, char *why, size_t cap)
{
    int error = launch(h);
    if (error == 0) {
        h->control = ssp_watch_open(h->loop, h->guardian.control_fd, control_ready, h);
        h->output = ssp_watch_open(h->loop, h->guardian.output_fd, output_ready, h);
        error = h->control != NULL && h->output != NULL ? 0 : ENOMEM;
    }
    if (error == 0)
        return 0;
    (void)snprintf(why, cap, "start plugin %s: %s", h->name, strerror(error));
    add_hint(h, SSP_HINT_EXEC, error, why, cap);
    return -1;
}

struct ssp_host *ssp_host_start(struct ssp_loop *loop, const struct ssp_host_conf *conf, char *why,
                                size_t why_cap)
{
    struct ssp_host *h = calloc(1, sizeof *h);
    if (h == NULL) {
        (void)snprintf(why, why_cap, "start plugin %s: out of memory", conf->plugin);
        return NULL;
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    h->loop = loop;
    h->conf = *conf;
    h->guardian = (struct ssp_guardian){.pid = -1, .control_fd = -1, .output_fd = -1};
    h->port = conf->role == SSP_CLIENT ? 0 : conf->remote_port;
    h->backoff_ms = BACKOFF_FIRST_MS;
    h->tick.fire = tick;
    h->tick.arg = h;
    (void)snprintf(h->local_host, sizeof h->local_host, "%s", conf->local_host);
    h->options = conf->options != NULL ? strdup(conf->options) : NULL;
    if (find(h, conf, why, why_cap) == 0) {
        h->takes_listen_fds = ssp_find_takes_listen_fds(h->path);
        if (start_guardian(h, conf, why, why_cap) == 0 && first_launch(h, why, why_cap) == 0)
            return h;
    }
    ssp_host_stop(h);
    return NULL;
}

uint16_t ssp_host_port(const struct ssp_host *h)
{
    return h->port;
}

/* Waits for the exit, draining the output so that a full pipe cannot hold it. */
static bool exited_within(struct ssp_host *h, unsigned limit_ms)
{
    uint64_t until = ssp_loop_now_ms(h->loop) + limit_ms;
    struct ssp_guardian_report r;
    for (;;) {
        if (ssp_guardian_report(&h->guardian, &r) && r.event >= SSP_GUARDIAN_EXITED)
            return true;
        uint64_t now = ssp_loop_now_ms(h->loop);
        if (now >= until)
            return false;
        struct pollfd p[2] = {{.fd = h->guardian.control_fd, .events = POLLIN},
                              {.fd = h->guardian.output_fd, .events = POLLIN}};
        (void)poll(p, 2, (int)(until - now));
        if (p[1].revents & POLLIN)
            output_ready(h);
    }
}

void ssp_host_begin_stop(struct ssp_host *h)
{
    if (h == NULL || h->stopping_ms != 0)
        return;
    ssp_timer_stop(&h->tick);
    h->state = DEAD;
    h->stopping_ms = ssp_loop_now_ms(h->loop);
    if (h->pid > 0 && h->control != NULL)
        ssp_guardian_end(&h->guardian, true);
}

static void finish_stop(struct ssp_host *h)
{
    uint64_t passed_ms = ssp_loop_now_ms(h->loop) - h->stopping_ms;
    unsigned limit_ms = h->conf.grace_ms + KILL_LIMIT_MS;
    (void)exited_within(h, passed_ms < limit_ms ? limit_ms - (unsigned)passed_ms : 0);
    if (ssp_loop_now_ms(h->loop) - h->stopping_ms >= h->conf.grace_ms)
        ssp_error("plugin %s[%d] did not stop within %u ms of SIGTERM: killed", h->name,
                  (int)h->pid, h->conf.grace_ms);
    drain(h);
}

void ssp_host_stop(struct ssp_host *h)
{
    if (h == NULL)
        return;
    ssp_host_begin_stop(h);
    if (h->pid > 0 && h->control != NULL)
        finish_stop(h);
    ssp_watch_close(h->control);
    ssp_watch_close(h->output);
    ssp_guardian_release(&h->guardian);
    free(h->options);
    free(h);
}
