/* SPDX-License-Identifier: Apache-2.0 */
#include "app/control.h"

#include "app/handover.h"
#include "app/orders.h"
#include "app/reload.h"
#include "plugin/control.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An heir has so many times plugin_ready: its plugins are its slowest part. */
enum { CALLERS = 8, WHY_MAX = 512, READY_TIMES = 3, MS_PER_S = 1000 };

enum phase { ASKING, RELOADING, TAKING };

/* A process that asks for something. */
struct caller {
    struct ss_control *control;
    struct ssp__watch *watch; /* NULL: the place is free */
    int fd;
    pid_t pid;
    enum phase phase;
    struct ssp__timer limit; /* of TAKING */
    char order[SS_ORDER_MAX];
    size_t len;
};

struct ss_control {
    struct ss_serving *serving; /* borrowed */
    struct ssp__control file;
    int fd;
    struct ssp__watch *watch;
    struct caller caller[CALLERS];
};

static void hang_up(struct caller *c)
{
    ssp__timer_stop(&c->limit);
    ssp__watch_close(c->watch);
    if (c->watch != NULL)
        (void)close(c->fd);
    c->watch = NULL;
}

static void answer(struct caller *c, bool done, const char *text)
{
    char line[SS_ANSWER_MAX];
    int n = snprintf(line, sizeof line - 1, "%s %s", done ? "ok" : "error", text);
    size_t len = n < (int)sizeof line - 1 ? (size_t)n : sizeof line - 2;
    line[len++] = '\n';
    (void)send(c->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    hang_up(c);
}

static void close_socket(struct ss_control *control)
{
    ssp__watch_close(control->watch);
    control->watch = NULL;
    if (control->fd != -1)
        (void)close(control->fd);
    control->fd = -1;
}

/* ---- orders ---- */

static void reload(struct caller *c)
{
    struct ss_serving *s = c->control->serving;
    if (s->reload == NULL) {
        answer(c, false, "the program was started without a file that could be read again");
    } else if (s->departure.heir != 0) {
        answer(c, false, "another process has taken over");
    } else {
        c->phase = RELOADING;
        ss_reload_begin(s->reload);
    }
}

/* One that hangs would keep this process from reloading. */
static void too_late(void *arg)
{
    struct caller *c = arg;
    struct ss_serving *s = c->control->serving;
    const char late = SS_LATE;
    ssp_error("process %d does not serve within %u s of its start: this one goes on, stop that one",
              (int)c->pid, READY_TIMES * s->now->conf.plugin_ready_ms / MS_PER_S);
    s->departure.asked = false;
    (void)send(c->fd, &late, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    hang_up(c);
}

static void take_over(struct caller *c)
{
    struct ss_serving *s = c->control->serving;
    if (ss_handover_offer(s, c->fd, c->pid) == -1) {
        hang_up(c);
        return;
    }
    c->phase = TAKING;
    c->limit = (struct ssp__timer){.fire = too_late, .arg = c};
    ssp__timer_start(s->process.program.loop, &c->limit,
                     READY_TIMES * s->now->conf.plugin_ready_ms);
    s->departure.asked = true;
}

static void obey(struct caller *c)
{
    if (strcmp(c->order, SS_ORDER_RELOAD) == 0)
        reload(c);
    else if (strcmp(c->order, SS_ORDER_TAKE_OVER) == 0)
        take_over(c);
    else
        answer(c, false, "unknown order");
}

static void read_order(struct caller *c, char byte)
{
    c->order[c->len++] = byte;
    if (byte == '\n' || c->len == sizeof c->order - 1)
        obey(c);
}

static void give(struct caller *c)
{
    const char yours = SS_YOURS;
    struct ss_control *control = c->control;
    ss_handover_leave(control->serving, c->pid);
    (void)send(c->fd, &yours, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    hang_up(c);
    ssp__control_leave(&control->file);
    close_socket(control);
}

static void lost(struct caller *c)
{
    if (c->phase == TAKING) {
        c->control->serving->departure.asked = false;
        ssp_error("process %d has ended before it could take over: this one goes on", (int)c->pid);
    }
    hang_up(c);
}

static void heard(void *arg)
{
    struct caller *c = arg;
    char byte;
    while (c->watch != NULL) {
        ssize_t n = recv(c->fd, &byte, 1, MSG_DONTWAIT);
        if (n == -1 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0)
            lost(c);
        else if (c->phase == ASKING)
            read_order(c, byte);
        else if (c->phase == TAKING && byte == SS_READY)
            give(c);
    }
}

/* ---- callers ---- */

/* The mode of the file keeps others away; root may have changed it. */
static bool trusted(int fd, pid_t *pid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
        return false;
    *pid = peer.pid;
    return peer.uid == 0 || peer.uid == geteuid();
}

/* One that has not asked for anything makes room. */
static struct caller *find_place(struct ss_control *control)
{
    struct caller *idle = NULL;
    for (int i = 0; i < CALLERS; i++) {
        struct caller *c = &control->caller[i];
        if (c->watch == NULL)
            return c;
        if (c->phase == ASKING)
            idle = c;
    }
    if (idle != NULL)
        hang_up(idle);
    return idle;
}

static void called(void *arg)
{
    struct ss_control *control = arg;
    struct caller *c = find_place(control);
    pid_t pid = 0;
    int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1)
        return;
    if (c != NULL && trusted(fd, &pid)) {
        *c = (struct caller){.control = control, .fd = fd, .pid = pid};
        c->watch = ssp__watch_open(control->serving->process.program.loop, fd, heard, c);
        if (c->watch != NULL)
            return;
    }
    (void)close(fd);
}

/* ---- the socket ---- */

/* The outcome of a reload, for those who wait for it. */
static void tell(struct ss_control *control, bool done, const char *outcome)
{
    for (int i = 0; i < CALLERS; i++) {
        struct caller *c = &control->caller[i];
        if (c->watch != NULL && c->phase == RELOADING)
            answer(c, done, outcome);
    }
}

int ss_control_open(struct ss_serving *s)
{
    const char *path = s->origin->conf.control;
    char why[WHY_MAX] = "out of memory";
    if (path == NULL)
        return 0;
    s->control = calloc(1, sizeof *s->control);
    if (s->control != NULL) {
        *s->control = (struct ss_control){.serving = s, .fd = -1};
        s->control->fd =
            ss_process_listen_at(&s->process, &s->control->file, path, why, sizeof why);
        s->control_fd = s->control->fd;
        s->told = tell;
    }
    if (s->control != NULL && s->control->fd != -1)
        s->control->watch =
            ssp__watch_open(s->process.program.loop, s->control->fd, called, s->control);
    if (s->control != NULL && s->control->watch != NULL)
        return 0;
    ssp_error("control: cannot listen at %s: %s", path, why);
    return -1;
}

void ss_control_close(struct ss_control *control)
{
    if (control == NULL)
        return;
    for (int i = 0; i < CALLERS; i++)
        hang_up(&control->caller[i]);
    if (control->serving->departure.asked)
        ssp__control_leave(&control->file);
    ssp__control_close(&control->file);
    close_socket(control);
    free(control);
}
