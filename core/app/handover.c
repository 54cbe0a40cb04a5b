/* SPDX-License-Identifier: Apache-2.0 */
#include "app/handover.h"

#include "app/descriptors.h"
#include "app/notify.h"
#include "app/orders.h"
#include "app/refresh.h"
#include "app/reload.h"
#include "app/report.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_MS = 200 }; /* for the end of the last connection */

/* ---- the sockets ---- */

/* Counts first, and is filled then. */
struct list {
    int *fd; /* NULL: they are counted */
    size_t n;
};

static void add(void *arg, int fd)
{
    struct list *list = arg;
    if (list->fd != NULL)
        list->fd[list->n] = fd;
    list->n++;
}

static void list_all(const struct ss_serving *s, struct list *list)
{
    list->n = 0;
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling) {
        if (i->plugin != NULL)
            ss_shared_port_visit(&i->plugin->shared, add, list);
        if (i->plugin == NULL || !ss_plugin_has_tcp(i->conf))
            ssp__instance_each_socket(&i->relay, add, list);
        if (i->plugin == NULL || !ss_plugin_has_udp(i->conf))
            ssp__udp_each_socket(i->udp, add, list);
    }
    ss_metrics_each_socket(&s->metrics, add, list);
    add(list, s->control_fd);
}

/* A plugin that has opened its port itself cannot leave it to another process. */
static const char *unfit(const struct ss_serving *s)
{
    if (s->departure.asked || s->departure.heir != 0)
        return "another process takes over from it: try again";
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling) {
        if (i->plugin != NULL && i->plugin->shared.n == 0)
            return "a plugin holds a port itself, and cannot hand it over: restart the program, "
                   "which ends its connections, or use a plugin with the note of SSP_PLUGIN_SHARES";
    }
    return ss_reload_runs(s->reload) ? "it reads its configuration: try again" : NULL;
}

static void copy(char *out, size_t cap, const char *text)
{
    if (text != NULL && strlen(text) < cap)
        (void)snprintf(out, cap, "%s", text);
}

static int greet(const struct ss_serving *s, int fd, uint32_t sockets, const char *refusal)
{
    struct ss_handover_greeting g = {.mark = SS_HANDOVER_MARK, .pid = getpid(), .sockets = sockets};
    copy(g.program, sizeof g.program, ss_programs[s->program].name);
    copy(g.refusal, sizeof g.refusal, refusal);
    copy(g.notify_socket, sizeof g.notify_socket, getenv("NOTIFY_SOCKET"));
    copy(g.watchdog_usec, sizeof g.watchdog_usec, getenv("WATCHDOG_USEC"));
    return send(fd, &g, sizeof g, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof g ? 0 : -1;
}

static int offer(const struct ss_serving *s, int fd)
{
    struct list list = {.fd = NULL};
    list_all(s, &list);
    list.fd = calloc(list.n, sizeof *list.fd);
    if (list.fd == NULL) {
        errno = ENOMEM;
        return -1;
    }
    list_all(s, &list);
    int rc = greet(s, fd, (uint32_t)list.n, NULL);
    if (rc == 0)
        rc = ss_descriptors_send(fd, list.fd, list.n);
    free(list.fd);
    return rc;
}

int ss_handover_offer(struct ss_serving *s, int fd, pid_t heir)
{
    const char *why = unfit(s);
    if (why != NULL) {
        ssp_error("process %d gets no sockets: %s", (int)heir, why);
        (void)greet(s, fd, 0, why);
        return -1;
    }
    if (offer(s, fd) == 0)
        return 0;
    ssp_error("process %d gets no sockets: %s", (int)heir, strerror(errno));
    return -1;
}

/* ---- the end ---- */

static unsigned live(const struct ss_serving *s)
{
    unsigned n = 0;
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling)
        n += ssp__instance_live(&i->relay) + ssp__udp_live(i->udp);
    for (const struct ss_instance *i = s->process.retired; i != NULL; i = i->sibling)
        n += ssp__instance_live(&i->relay);
    return n;
}

/* A plugin that leaves may have a connection still that it has not brought here. */
static bool plugs(const struct ss_serving *s)
{
    for (const struct ss_instance *i = s->first; i != NULL; i = i->sibling) {
        if (i->plugin != NULL && ss_plugin_liveness(i->plugin) != SSP_DEAD)
            return true;
    }
    return false;
}

static void look(void *arg)
{
    struct ss_serving *s = arg;
    struct ss_departure *d = &s->departure;
    unsigned left = live(s);
    bool over = ssp__loop_now_ms(s->process.program.loop) >= d->until_ms;
    if ((left > 0 || plugs(s)) && !over) {
        ssp__timer_start(s->process.program.loop, &d->look, LOOK_MS);
        return;
    }
    if (left > 0)
        ssp_info("the drain of %u s is over: %u connections end", s->now->conf.drain_s, left);
    ssp__program_stop(&s->process.program, SS_EXIT_OK);
}

/* Its look ends the process. */
static void drained(void *arg)
{
    (void)arg;
}

static void stop_accepting(struct ss_instance *i, unsigned drain_ms)
{
    ss_report_close(i->report);
    i->report = NULL;
    ssp__udp_mute(i->udp);
    if (i->plugin != NULL)
        ss_plugin_retire(i->plugin);
    else
        ssp__instance_drain(&i->relay, drain_ms, drained, NULL);
}

/* The service manager hears of the other one from now on. */
static void leave_service(struct ss_serving *s, pid_t heir)
{
    char text[32];
    ss_heartbeat_stop(&s->process.heartbeat);
    (void)snprintf(text, sizeof text, "MAINPID=%d", (int)heir);
    ss_notify(text);
    (void)unsetenv("NOTIFY_SOCKET");
}

void ss_handover_leave(struct ss_serving *s, pid_t heir)
{
    unsigned drain_s = s->now->conf.drain_s;
    for (struct ss_instance *i = s->first; i != NULL; i = i->sibling)
        stop_accepting(i, drain_s * 1000);
    ss_metrics_leave(&s->metrics);
    ss_refresh_close(s->refresh);
    s->refresh = NULL;
    s->reloaded = NULL;
    ssp__daemon_leave(&s->process.daemon);
    ss_salts_leave(s->process.salts);
    leave_service(s, heir);
    s->departure = (struct ss_departure){.heir = heir, .look = {.fire = look, .arg = s}};
    s->departure.until_ms = ssp__loop_now_ms(s->process.program.loop) + (uint64_t)drain_s * 1000;
    ssp_info("process %d serves now: %u connections have %u s", (int)heir, live(s), drain_s);
    ssp__timer_start(s->process.program.loop, &s->departure.look, LOOK_MS);
}

void ss_handover_close(struct ss_serving *s)
{
    ssp__timer_stop(&s->departure.look);
    if (!s->departure.asked)
        return;
    ss_metrics_leave(&s->metrics);
    ssp__daemon_leave(&s->process.daemon);
}
