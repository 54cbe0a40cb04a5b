/* SPDX-License-Identifier: Apache-2.0 */
#include "examine.h"

#include "base/retry.h"
#include "host/find.h"
#include "host/path_safety.h"
#include "host/process/guardian.h"
#include "host/process/wait.h"
#include "host/provisions.h"
#include "net/loop.h"
#include "procfs/diag.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long one that listens is watched, for a death right behind it. */
enum { SETTLE_MS = 300, DRAIN_TURNS = 64, WATCHES = 3, SPAWN_MS = 6000, RELEASE_MS = 1000 };

struct watching {
    struct examination *x;
    ssp_loop *loop;
    struct ssp__guardian guardian;
    struct ssp__watch *watches[WATCHES];
    unsigned watch_count;
    struct ssp__timer limit, settled;
    pid_t pid; /* 0: it does not run yet */
    int error; /* an errno that ended the examination; 0: none */
    int64_t started_us;
    const char *name;
};

static int64_t since_start(const struct watching *w)
{
    return clock_us() - w->started_us;
}

/* ---- looking at what runs ---- */

static bool has_descriptor(pid_t pid, int fd)
{
    char path[64], link[8];
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    return readlink(path, link, sizeof link) != -1 || errno != ENOENT;
}

static void look(struct watching *w)
{
    struct examination *x = w->x;
    const struct process p = {.pid = w->pid};
    struct socket_seen all[EXAMINE_SOCKETS];
    unsigned n = process_sockets(&p, all, EXAMINE_SOCKETS);
    x->socket_count = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!all[i].udp || !all[i].connected)
            x->sockets[x->socket_count++] = all[i];
    }
    x->log_closed =
        !has_descriptor(w->pid, STDOUT_FILENO) || !has_descriptor(w->pid, STDERR_FILENO);
}

static void note_owner(struct examination *x)
{
    uint16_t port = place_front(x->place)->port;
    if (ssp__port_owner(SSP_TCP, port, x->taken_by, sizeof x->taken_by) != 1)
        x->taken_by[0] = '\0';
}

/* ---- events ---- */

static bool watch(struct watching *w, int fd, void (*ready)(void *arg))
{
    struct ssp__watch *opened = ssp__watch_open(w->loop, fd, ready, w);
    if (opened == NULL) {
        w->error = errno;
        ssp_loop_stop(w->loop);
        return false;
    }
    w->watches[w->watch_count++] = opened;
    return true;
}

static void output_ready(void *arg)
{
    struct watching *w = arg;
    (void)ssp__output_read(&w->x->output, w->guardian.output_fd, ssp__loop_now_ms(w->loop));
}

static void drain(struct watching *w)
{
    for (int i = 0; i < DRAIN_TURNS; i++) {
        if (!ssp__output_read(&w->x->output, w->guardian.output_fd, ssp__loop_now_ms(w->loop)))
            break;
    }
    ssp__output_end(&w->x->output);
}

static void notice_ready(void *arg)
{
    static const char ready[] = "READY=1\n";
    struct watching *w = arg;
    char text[4096];
    ssize_t n = ssp__read(w->guardian.notify_fd, text, sizeof text);
    if (n > 0 && memmem(text, (size_t)n, ready, sizeof ready - 1) != NULL)
        w->x->notified = true;
    if (w->x->notified && w->x->ready_us == -1)
        ssp__guardian_look(&w->guardian);
}

static void ended(struct watching *w, const struct ssp__guardian_report *r)
{
    struct examination *x = w->x;
    drain(w);
    x->ended_us = since_start(w);
    x->reached = r->code == CLD_EXITED ? REACHED_EXITED : REACHED_KILLED;
    x->status = r->status;
    ssp_loop_stop(w->loop);
}

static void started(struct watching *w, pid_t pid)
{
    w->pid = pid;
    ssp__output_begin(&w->x->output, w->name, pid);
    if (watch(w, w->guardian.output_fd, output_ready) &&
        watch(w, w->guardian.notify_fd, notice_ready))
        ssp__timer_start(w->loop, &w->limit, w->x->wait_ms);
}

static void refused(struct watching *w, int error)
{
    w->x->reached = REACHED_REFUSED;
    w->x->error = error != 0 ? error : EIO;
    ssp_loop_stop(w->loop);
}

static void control_ready(void *arg)
{
    struct watching *w = arg;
    struct ssp__guardian_report r;
    if (!ssp__guardian_report(&w->guardian, &r))
        return;
    if (r.event == SSP_GUARDIAN_STARTED) {
        started(w, r.pid);
    } else if (w->pid == 0) {
        refused(w, r.error);
    } else if (r.event == SSP_GUARDIAN_EXITED) {
        ended(w, &r);
    } else if (r.event == SSP_GUARDIAN_LISTENING && w->x->ready_us == -1) {
        w->x->ready_us = since_start(w);
        w->x->was_ready = true;
        ssp__timer_stop(&w->limit);
        ssp__timer_start(w->loop, &w->settled, SETTLE_MS);
    } else if (r.event == SSP_GUARDIAN_FOREIGN) {
        note_owner(w->x);
    } else if (r.event == SSP_GUARDIAN_GONE) {
        w->x->reached = REACHED_KILLED;
        w->x->status = SIGKILL;
        ssp_loop_stop(w->loop);
    }
}

static void too_late(void *arg)
{
    struct watching *w = arg;
    if (w->pid == 0) {
        refused(w, ETIMEDOUT);
        return;
    }
    look(w);
    w->x->reached = REACHED_SILENT;
    drain(w);
    ssp_loop_stop(w->loop);
}

static void settled(void *arg)
{
    struct watching *w = arg;
    look(w);
    w->x->reached = REACHED_LISTENS;
    drain(w);
    ssp_loop_stop(w->loop);
}

/* ---- the course of it ---- */

/* Returns 0, or an errno when the plugin could not be watched. */
static int follow(struct watching *w)
{
    w->limit = (struct ssp__timer){.fire = too_late, .arg = w};
    w->settled = (struct ssp__timer){.fire = settled, .arg = w};
    if (watch(w, w->guardian.control_fd, control_ready)) {
        w->started_us = clock_us();
        ssp__timer_start(w->loop, &w->limit, SPAWN_MS);
        ssp__guardian_spawn(&w->guardian, place_front(w->x->place)->port,
                            &(struct ssp__handed){.n = 0});
        if (ssp_loop_run(w->loop) == -1)
            w->error = errno;
    }
    ssp__timer_stop(&w->limit);
    ssp__timer_stop(&w->settled);
    for (unsigned i = 0; i < w->watch_count; i++)
        ssp__watch_close(w->watches[i]);
    return w->error;
}

static int run(struct watching *w, char *why, size_t cap)
{
    struct examination *x = w->x;
    struct ssp__provisions p;
    ssp_host_conf conf = place_conf(x->place, x->plugin);
    conf.directory = x->directory;
    conf.user = x->user;
    conf.sandbox = x->sandbox;
    conf.writable = x->writable;
    conf.ports = x->ports;
    int rc = ssp__provisions_prepare(&p, x->path, &conf, why, cap);
    if (rc == 0) {
        struct ssp__guardian_plan plan = {.path = x->path,
                                          .name = w->name,
                                          .env = p.env,
                                          .shares_port = conf.role == SSP_SERVER,
                                          .any_wire = conf.role == SSP_SERVER,
                                          .grace_ms = conf.grace_ms,
                                          .mode = conf.mode,
                                          .privilege = &p.privilege,
                                          .directory = p.directory,
                                          .temporary = p.temporary,
                                          .sandbox = p.sandboxed ? &p.sandbox : NULL};
        rc = ssp__guardian_start(&w->guardian, &plan);
        if (rc == -1)
            (void)snprintf(why, cap, "start the guardian of the plugin: %s", strerror(errno));
    }
    if (rc == 0 && follow(w) != 0) {
        (void)snprintf(why, cap, "watch the plugin: %s", strerror(w->error));
        rc = -1;
    }
    uint64_t now_ms = ssp__wait_now_ms();
    (void)ssp__guardian_release(&w->guardian, now_ms + RELEASE_MS, now_ms + 2ULL * RELEASE_MS);
    ssp__temporary_remove(p.temporary); /* if the guardian did not start, or was killed */
    ssp__provisions_release(&p);
    return rc;
}

static bool may_run(struct examination *x)
{
    if (ssp__find_plugin(x->plugin, x->directory, x->path, sizeof x->path) == -1) {
        x->reached = REACHED_NOT_FOUND;
        x->error = errno;
        (void)snprintf(x->meant, sizeof x->meant, "%s", x->path);
        x->path[0] = '\0';
        return false;
    }
    x->reached = REACHED_DISTRUSTED;
    return ssp__path_safety_check(x->path, x->distrust, sizeof x->distrust) == 0;
}

int examine(struct examination *x, char *why, size_t cap)
{
    const char *slash = strrchr(x->plugin, '/');
    struct watching w = {
        .x = x, .guardian = SSP_NO_GUARDIAN, .name = slash != NULL ? slash + 1 : x->plugin};
    x->ready_us = x->ended_us = -1;
    if (!may_run(x))
        return 0;
    w.loop = ssp_loop_new();
    if (w.loop == NULL) {
        (void)snprintf(why, cap, "cannot create the event loop");
        return -1;
    }
    int rc = run(&w, why, cap);
    ssp_loop_free(w.loop);
    if (rc == 0 && x->reached != REACHED_LISTENS && x->taken_by[0] == '\0' &&
        x->reached >= REACHED_EXITED)
        note_owner(x);
    return rc;
}
