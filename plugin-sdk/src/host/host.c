/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include "base/log.h"
#include "host/environment.h"
#include "host/listening.h"
#include "host/output.h"
#include "host/spawn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_CHECK_MS = 5, DRAIN_TURNS = 64 };

struct ssp_host {
    struct ssp_loop *loop;
    struct ssp_child child;
    struct ssp_watch *exit, *output;
    struct ssp_timer ready_check;
    struct ssp_output lines;
    uint64_t started_ms, ready_by_ms;
    unsigned grace_ms;
    uint16_t port; /* where the plugin listens */
    char name[64]; /* last part of its path */
    void (*on_ready)(void *arg);
    void (*on_death)(void *arg, const char *why);
    void *arg;
};

/* ---- output ---- */

static bool drain(struct ssp_host *h)
{
    return ssp_output_read(&h->lines, h->child.output_fd);
}

static void output_ready(void *arg)
{
    struct ssp_host *h = arg;
    if (drain(h))
        return;
    ssp_watch_close(h->output); /* every writer is gone */
    h->output = NULL;
}

/* ---- death ---- */

static void describe_exit(const siginfo_t *info, char *text, size_t cap)
{
    if (info->si_code == CLD_EXITED)
        (void)snprintf(text, cap, "exited with status %d", info->si_status);
    else
        (void)snprintf(text, cap, "was ended by signal %d (%s)", info->si_status,
                       strsignal(info->si_status));
}

static void kill_group(const struct ssp_host *h, int signo)
{
    if (h->child.pid > 0)
        (void)kill(-h->child.pid, signo);
}

/* Reaps the plugin if it has exited. */
static bool reap(struct ssp_host *h, siginfo_t *info)
{
    info->si_pid = 0;
    return h->child.pid > 0 &&
           waitid(P_PID, (id_t)h->child.pid, info, WEXITED | WNOHANG) == 0 && info->si_pid != 0;
}

static void died(void *arg)
{
    struct ssp_host *h = arg;
    siginfo_t info;
    char how[96], why[256];
    if (!reap(h, &info))
        return;
    for (int i = 0; i < DRAIN_TURNS && drain(h); i++)
        continue; /* its last words come before the news of its death */
    ssp_output_end(&h->lines);
    kill_group(h, SIGKILL); /* what it forked goes with it */
    describe_exit(&info, how, sizeof how);
    uint64_t ran_ms = ssp_loop_now_ms(h->loop) - h->started_ms;
    (void)snprintf(why, sizeof why, "plugin %s[%d] %s after %llu.%03llu s", h->name,
                   (int)h->child.pid, how, (unsigned long long)ran_ms / 1000,
                   (unsigned long long)ran_ms % 1000);
    ssp_watch_close(h->exit);
    h->exit = NULL;
    ssp_timer_stop(&h->ready_check);
    h->child.pid = -1;
    h->on_death(h->arg, why);
}

/* ---- readiness ---- */

static void check_ready(void *arg)
{
    struct ssp_host *h = arg;
    bool foreign;
    char why[256];
    int rc = ssp_listening(h->child.pid, h->port, &foreign);
    if (rc == 1) {
        h->on_ready(h->arg);
        return;
    }
    if (ssp_loop_now_ms(h->loop) < h->ready_by_ms) {
        ssp_timer_start(h->loop, &h->ready_check, READY_CHECK_MS);
        return;
    }
    (void)snprintf(why, sizeof why, "plugin %s[%d] does not listen on port %u in time%s", h->name,
                   (int)h->child.pid, h->port,
                   foreign ? ": another process has the port" : "");
    h->on_death(h->arg, why);
}

/* ---- start and stop ---- */

static void adopt_conf(struct ssp_host *h, const struct ssp_host_conf *conf)
{
    const char *slash = strrchr(conf->plugin, '/');
    (void)snprintf(h->name, sizeof h->name, "%s", slash != NULL ? slash + 1 : conf->plugin);
    h->grace_ms = conf->grace_ms;
    h->port = conf->role == SSP_CLIENT ? conf->local.port : conf->remote[0].port;
    h->on_ready = conf->on_ready;
    h->on_death = conf->on_death;
    h->arg = conf->arg;
    h->ready_check.fire = check_ready;
    h->ready_check.arg = h;
}

static bool launch(struct ssp_host *h, const struct ssp_host_conf *conf)
{
    char path[PATH_MAX];
    char **env = ssp_host_environment(conf);
    bool launched = env != NULL && ssp_spawn_find(conf->plugin, path, sizeof path) == 0 &&
                    ssp_spawn(&h->child, path, h->name, env) == 0;
    int error = errno;
    ssp_host_environment_free(env);
    errno = error;
    return launched;
}

struct ssp_host *ssp_host_start(struct ssp_loop *loop, const struct ssp_host_conf *conf, char *why,
                                size_t why_cap)
{
    struct ssp_host *h = calloc(1, sizeof *h);
    if (h == NULL) {
        (void)snprintf(why, why_cap, "start plugin %s: out of memory", conf->plugin);
        return NULL;
    }
    h->loop = loop;
    h->child = (struct ssp_child){.pid = -1, .pidfd = -1, .lifeline_fd = -1, .output_fd = -1};
    adopt_conf(h, conf);
    if (!launch(h, conf)) {
        (void)snprintf(why, why_cap, "start plugin %s: %s", conf->plugin, strerror(errno));
        free(h);
        return NULL;
    }
    ssp_output_begin(&h->lines, h->name, h->child.pid);
    h->started_ms = ssp_loop_now_ms(loop);
    h->ready_by_ms = h->started_ms + conf->ready_ms;
    h->exit = ssp_watch_open(loop, h->child.pidfd, died, h);
    h->output = ssp_watch_open(loop, h->child.output_fd, output_ready, h);
    if (h->exit == NULL || h->output == NULL) {
        (void)snprintf(why, why_cap, "start plugin %s: %s", conf->plugin, strerror(errno));
        ssp_host_stop(h);
        return NULL;
    }
    ssp_timer_start(loop, &h->ready_check, 0);
    return h;
}

/* Waits for the exit, draining its output so that a full pipe cannot hold it. */
static bool exited_within(struct ssp_host *h, unsigned limit_ms)
{
    uint64_t until = ssp_loop_now_ms(h->loop) + limit_ms;
    siginfo_t info;
    for (;;) {
        if (reap(h, &info))
            return true;
        uint64_t now = ssp_loop_now_ms(h->loop);
        if (now >= until)
            return false;
        struct pollfd p[2] = {{.fd = h->child.pidfd, .events = POLLIN},
                              {.fd = h->output != NULL ? h->child.output_fd : -1,
                               .events = POLLIN}};
        (void)poll(p, 2, (int)(until - now));
        if (p[1].revents != 0)
            output_ready(h);
    }
}

void ssp_host_stop(struct ssp_host *h)
{
    if (h == NULL)
        return;
    ssp_timer_stop(&h->ready_check);
    if (h->child.pid > 0) {
        (void)close(h->child.lifeline_fd);
        h->child.lifeline_fd = -1;
        kill_group(h, SIGTERM);
        kill_group(h, SIGCONT); /* a stopped plugin cannot hear SIGTERM */
        bool graceful = exited_within(h, h->grace_ms);
        kill_group(h, SIGKILL);
        if (!graceful) {
            ssp_error("plugin %s[%d] ignored SIGTERM for %u ms: killed", h->name,
                      (int)h->child.pid, h->grace_ms);
            (void)exited_within(h, h->grace_ms);
        }
    }
    ssp_watch_close(h->exit);
    ssp_watch_close(h->output);
    ssp_output_end(&h->lines);
    ssp_child_release(&h->child);
    free(h);
}

uint16_t ssp_host_free_port(const char *host)
{
    struct ssp_address a;
    uint16_t port = 0;
    if (ssp_address_parse(&a, host, 0) == -1)
        return 0;
    int fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return 0;
    if (bind(fd, &a.u.any, a.len) == 0 && getsockname(fd, &a.u.any, &a.len) == 0)
        port = ssp_address_port(&a);
    (void)close(fd);
    return port;
}
