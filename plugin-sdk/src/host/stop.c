/* SPDX-License-Identifier: Apache-2.0 */
/* stop.c - the end of a host: each of its waits ends by itself. */
#include "host/host_impl.h"
#include "host/process/child.h"
#include "host/process/wait.h"

#include <ssplugin/log.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Times behind the grace: for the exit of the plugin, of its guardian, and of all that they leave.
 * Several hosts that begin to stop together share them. */
enum { EXIT_MS = 1000, KILL_MS = 1500, END_MS = 1800 };

/* For the processes of a guardian that is dead. */
enum { BURY_MS = 300, LOOK_MS = 5 };

enum { DRAIN_TURNS = 64, TURN_MS = 10 };

void ssp__host_drain(ssp_host *h)
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

/* We are the next subreaper, so that children of a killed guardian are ours now. */
static void bury(const ssp_host *h, uint64_t until_ms)
{
    unsigned left;
    if (h->pid > 0)
        (void)kill(-h->pid, SIGKILL);
    while ((left = ssp__child_kill_all(true)) > 0 && ssp__wait_left(until_ms) > 0)
        (void)poll(NULL, 0, LOOK_MS);
    if (left > 0)
        ssp_error("plugin %s: %u of its processes do not end after SIGKILL: left behind", h->name,
                  left);
}

void ssp__host_bury(const ssp_host *h)
{
    bury(h, ssp__wait_now_ms() + BURY_MS);
}

void ssp__host_stop_watching(ssp_host *h)
{
    ssp__deadline_clear(&h->due);
    ssp__watch_close(h->control);
    ssp__tap_close(&h->output);
    ssp__tap_close(&h->heard);
    h->control = NULL;
}

void ssp_host_begin_stop(ssp_host *h)
{
    if (h == NULL || h->stopping_ms != 0)
        return;
    ssp__deadline_clear(&h->due);
    h->awaited = h->control != NULL && (h->pid > 0 || h->state == LAUNCHING);
    h->state = DEAD;
    h->lines.ending = true;
    h->stopping_ms = ssp__loop_now_ms(h->loop);
    if (h->awaited)
        ssp__guardian_end(&h->guardian, true);
}

/* A plugin whose start was under way may have been refused, or given up. */
static bool is_end(const struct ssp__guardian_report *r)
{
    return r->event == SSP_GUARDIAN_EXITED || r->event == SSP_GUARDIAN_GONE ||
           r->event == SSP_GUARDIAN_REFUSED;
}

/* Waits for the exit, draining the output so that a full pipe cannot hold it. */
static bool exited_by(ssp_host *h, uint64_t until_ms, struct ssp__guardian_report *r)
{
    struct pollfd control = {.fd = h->guardian.control_fd, .events = POLLIN};
    for (;;) {
        uint64_t now_ms = ssp__loop_now_ms(h->loop);
        if (ssp__guardian_report(&h->guardian, r) && is_end(r))
            return true;
        if (now_ms >= until_ms)
            return false;
        (void)poll(&control, 1, until_ms - now_ms < TURN_MS ? (int)(until_ms - now_ms) : TURN_MS);
        (void)ssp__output_read(&h->lines, h->guardian.output_fd, now_ms);
        (void)ssp__notices_read(&h->notices, h->guardian.notify_fd, now_ms);
    }
}

/* The time alone is no proof: after a wait for others, the plugin may have exited long ago. */
static void tell_killed(const ssp_host *h, const struct ssp__guardian_report *r)
{
    bool late = ssp__loop_now_ms(h->loop) >= h->stopping_ms + h->conf.grace_ms;
    if (h->pid > 0 && late && (r == NULL || (r->code == CLD_KILLED && r->status == SIGKILL)))
        ssp_error("plugin %s[%d] did not stop within %u ms of SIGTERM: killed", h->name,
                  (int)h->pid, h->conf.grace_ms);
}

void ssp__host_note_end(ssp_host *h, const struct ssp__guardian_report *r)
{
    if (!h->awaited || !is_end(r))
        return;
    tell_killed(h, r);
    h->awaited = false;
}

static void await_plugin(ssp_host *h)
{
    uint64_t grace_over_ms = h->stopping_ms + h->conf.grace_ms;
    struct ssp__guardian_report r;
    bool exited = exited_by(h, grace_over_ms + EXIT_MS, &r);
    tell_killed(h, exited ? &r : NULL);
    ssp__host_drain(h);
    if (exited && r.event == SSP_GUARDIAN_GONE)
        bury(h, grace_over_ms + END_MS);
}

void ssp_host_stop(ssp_host *h)
{
    if (h == NULL)
        return;
    ssp_host_begin_stop(h);
    uint64_t grace_over_ms = h->stopping_ms + h->conf.grace_ms;
    if (h->awaited)
        await_plugin(h);
    ssp__host_stop_watching(h);
    ssp__members_close(&h->members);
    if (!ssp__guardian_release(&h->guardian, grace_over_ms + KILL_MS, grace_over_ms + END_MS)) {
        ssp_error("the guardian of plugin %s does not end: killed", h->name);
        bury(h, grace_over_ms + END_MS);
    }
    ssp__temporary_remove(h->temporary); /* if the guardian was killed */
    if (h->user_lock != -1)
        (void)close(h->user_lock);
    free(h->options);
    explicit_bzero(h->client_options, sizeof h->client_options);
    explicit_bzero(&h->notices, sizeof h->notices);
    free(h);
}
