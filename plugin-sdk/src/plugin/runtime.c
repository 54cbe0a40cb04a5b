/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/runtime.h"

#include <ssplugin/log.h>

#include "plugin/lifecycle.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { REPORT_MS = 1000, LOOK_MS = 1000, WHY_MAX = 512 };

/* ---- before the loop ---- */

static void leave(int signo)
{
    (void)signo;
    _exit(SSP_EXIT_OK);
}

/* A thread of the host has ended, but perhaps not the host. */
static void leave_orphaned(int signo)
{
    if (ssp_lifecycle_orphaned())
        leave(signo);
}

int ssp__runtime_prepare(bool hosted)
{
    const struct {
        int signo;
        void (*action)(int signo);
    } rows[] = {{SIGTERM, leave},
                {SIGINT, leave},
                {SIGHUP, SIG_IGN},
                {SIGUSR1, SIG_IGN},
                {SIGUSR2, hosted ? leave_orphaned : SIG_IGN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* setup() of a codec must read on after a signal. */
        struct sigaction action = {.sa_handler = rows[i].action, .sa_flags = SA_RESTART};
        (void)sigaction(rows[i].signo, &action, NULL);
    }
    if (hosted)
        (void)ssp__lifecycle_follow(SIGUSR2);
    return ssp_lifecycle_orphaned() ? -1 : 0;
}

/* ---- counters ---- */

static ssp_stats count(const struct ssp__runtime *life)
{
    const struct ssp__instance *relay = &life->tunnel->relay;
    return (ssp_stats){.size = sizeof(ssp_stats),
                       .live = relay->live,
                       .connections = relay->own.counters.accepted,
                       .up = relay->own.counters.bytes_up,
                       .down = relay->own.counters.bytes_down,
                       .foreign = relay->own.counters.foreign,
                       .failed = relay->own.counters.failed,
                       .wire_up = relay->own.counters.wire_up,
                       .wire_down = relay->own.counters.wire_down};
}

/* Returns whether there was something new to tell. */
static bool report(struct ssp__runtime *life)
{
    ssp_stats now = count(life);
    if (memcmp(&now, &life->told, sizeof now) == 0)
        return false;
    if (ssp_notify_stats(life->notify_fd, &now) == 0 || errno != EAGAIN)
        life->told = now; /* or drop the line: the host has closed the pipe */
    return true;
}

/* Repeats while counters may change, so that an idle plugin sleeps. */
static void report_due(void *arg)
{
    struct ssp__runtime *life = arg;
    if (report(life) || life->tunnel->relay.live > 0)
        ssp__timer_start(life->tunnel->program.loop, &life->report, REPORT_MS);
}

void ssp__runtime_stir(void *arg)
{
    struct ssp__runtime *life = arg;
    if (life->tunnel != NULL && life->notify_fd != -1 && life->report.lane == NULL)
        ssp__timer_start(life->tunnel->program.loop, &life->report, REPORT_MS);
}

static void log_counters(void *arg)
{
    const struct ssp__runtime *life = arg;
    ssp_stats s = count(life);
    ssp_info("connections %" PRIu64 ", live %" PRIu32 ", bytes up %" PRIu64 ", down %" PRIu64
             ", foreign %" PRIu64 ", failed %" PRIu64,
             s.connections, s.live, s.up, s.down, s.foreign, s.failed);
}

/* ---- signals ---- */

static void drained(void *arg)
{
    const struct ssp__runtime *life = arg;
    ssp__program_stop(&life->tunnel->program, SSP_EXIT_OK);
}

static void stop(void *arg)
{
    struct ssp__runtime *life = arg;
    int seconds = life->tunnel->request.builtin->drain_s;
    if (life->draining || seconds == 0) {
        ssp__program_stop(&life->tunnel->program, SSP_EXIT_OK);
        return;
    }
    life->draining = true;
    ssp_info("stopping: %u live connections have %d s", life->tunnel->relay.live, seconds);
    ssp__instance_drain(&life->tunnel->relay, ssp__tunnel_limit_ms(seconds), drained, life);
}

/* The host limits it: SIGTERM may come. */
static void retire(void *arg)
{
    struct ssp__runtime *life = arg;
    struct ssp__tunnel *t = life->tunnel;
    bool shared = t->service.role == SSP_SERVER && ssp__lifecycle_handed() > 0;
    if (!shared || life->draining)
        return;
    life->draining = true;
    ssp_info("another process accepts now: this one ends with the last of %u connections",
             t->relay.live);
    ssp__udp_mute(t->udp);
    ssp__instance_drain(&t->relay, INT_MAX, drained, life);
}

static void reload(void *arg)
{
    const struct ssp__runtime *life = arg;
    unsigned tried = 0, refused = 0;
    ssp__files_taken(life->files);
    for (size_t i = 0; i < life->settings->layers; i++) {
        const struct ssp__codec_settings *layer = &life->settings->layer[i];
        char why[WHY_MAX] = "no reason given";
        if (layer->codec.reload == NULL)
            continue;
        tried++;
        if (layer->codec.reload(layer->conf, why, sizeof why) == 0)
            continue;
        refused++;
        ssp_error("reload of %s: %s; the previous configuration stays in use", layer->codec.name,
                  why);
    }
    if (refused == 0)
        ssp_info(tried > 0 ? "reloaded" : "nothing to reload");
}

/* ---- the host ---- */

static void look(void *arg)
{
    struct ssp__runtime *life = arg;
    if (ssp_lifecycle_orphaned())
        ssp__program_stop(&life->tunnel->program, SSP_EXIT_OK);
    else if (life->look.fire != NULL)
        ssp__timer_start(life->tunnel->program.loop, &life->look, LOOK_MS);
}

/* The signal may come for one thread of the host, and any process may send SIGUSR2. */
static void host_changed(void *arg)
{
    if (((struct ssp__runtime *)arg)->following && ssp_lifecycle_orphaned())
        stop(arg);
}

/* Polls the parent only where the system sends no signal. */
static int follow_host(struct ssp__runtime *life)
{
    life->following = true;
    if (ssp__lifecycle_follow(SIGUSR2) == -1) {
        life->look.fire = look;
        life->look.arg = life;
        ssp__timer_start(life->tunnel->program.loop, &life->look, LOOK_MS);
    }
    return ssp_lifecycle_orphaned() || ssp__lifecycle_input_ended() ? 1 : 0;
}

static void input_ready(void *arg)
{
    const struct ssp__runtime *life = arg;
    char ignored[64];
    if (read(ssp_lifecycle_input_fd(), ignored, sizeof ignored) == 0)
        ssp__program_stop(&life->tunnel->program, SSP_EXIT_OK);
}

/* With this variable the host holds stdin open as long as it lives. */
static int watch_input(struct ssp__runtime *life)
{
    int fd = ssp_lifecycle_input_fd();
    if (fd == -1)
        return 0;
    life->input = ssp__watch_open(life->tunnel->program.loop, fd, input_ready, life);
    return life->input != NULL ? 0 : -1;
}

/* ---- all of it ---- */

/* The signals of ssp__program would end the process without the drain. */
static int take_signals(struct ssp__runtime *life)
{
    struct ssp__program *p = &life->tunnel->program;
    for (int i = 0; i < 2; i++) {
        ssp__signal_free(p->stop[i]);
        p->stop[i] = NULL;
        life->stop[i] = ssp__signal_watch(p->loop, i == 0 ? SIGTERM : SIGINT, stop, life);
        if (life->stop[i] == NULL)
            return -1;
    }
    if (ssp__program_on_signal(p, SIGHUP, reload, life) == -1 ||
        ssp__program_on_signal(p, SIGUSR1, log_counters, life) == -1 ||
        ssp__program_on_signal(p, SIGWINCH, retire, life) == -1)
        return -1;
    return ssp__program_on_signal(p, SIGUSR2, host_changed, life);
}

int ssp__runtime_begin(struct ssp__runtime *life, struct ssp__tunnel *tunnel,
                       struct ssp__settings *settings, struct ssp__files *files, bool hosted)
{
    *life = (struct ssp__runtime){.tunnel = tunnel,
                                  .settings = settings,
                                  .files = files,
                                  .notify_fd = tunnel->request.env->notify_fd,
                                  .report = {.fire = report_due, .arg = life}};
    life->told = count(life);
    tunnel->relay.on_busy = ssp__runtime_stir;
    tunnel->relay.busy_arg = life;
    if (take_signals(life) == -1)
        return -1;
    ssp__files_watch(files, tunnel->program.loop, reload, life);
    if (!hosted)
        return 0;
    int over = follow_host(life);
    return over != 0 ? over : watch_input(life);
}

static bool tell_ready(const struct ssp__runtime *life, int fd)
{
    bool told = ssp_notify(fd, "STATUS", life->status) == 0;
    (void)ssp_notify_ready(fd);
    return told;
}

bool ssp__runtime_ready(struct ssp__runtime *life, const char *status)
{
    life->status = status;
    return tell_ready(life, life->notify_fd) && life->notify_fd != -1;
}

/* All of it fits into an empty socket.  Unread input would turn the end of the answer into a reset.
 */
void ssp__runtime_tell(void *arg, int fd, const struct ssp__address *peer)
{
    (void)peer;
    const struct ssp__runtime *life = arg;
    ssp_stats now = count(life);
    char question[256];
    if (!life->draining)
        (void)tell_ready(life, fd);
    (void)ssp_notify_stats(fd, &now);
    (void)!read(fd, question, sizeof question);
    (void)close(fd);
}

void ssp__runtime_end(struct ssp__runtime *life)
{
    if (life->tunnel == NULL)
        return;
    if (life->notify_fd != -1)
        (void)report(life);
    life->tunnel->relay.on_busy = NULL;
    ssp__files_close(life->files);
    ssp__timer_stop(&life->report);
    ssp__timer_stop(&life->look);
    ssp__watch_close(life->input);
    ssp__signal_free(life->stop[0]);
    ssp__signal_free(life->stop[1]);
    life->tunnel = NULL;
}
