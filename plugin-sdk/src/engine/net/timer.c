/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - the deadlines of a loop: alarms, and lanes of timers over one of them. */
#include "net/loop_impl.h"

/* ---- alarms: what libevent waits for, and what a loop outside has to wait for ---- */

static void alarmed(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ssp__alarm *a = arg;
    a->due_ms = UINT64_MAX;
    a->fire(a->arg);
}

int ssp__alarm_open(ssp_loop *loop, struct ssp__alarm *a, void (*fire)(void *arg), void *arg)
{
    *a = (struct ssp__alarm){.loop = loop, .due_ms = UINT64_MAX, .fire = fire, .arg = arg};
    a->event = event_new(loop->base, -1, 0, alarmed, a);
    if (a->event == NULL)
        return -1;
    a->next = loop->alarms;
    loop->alarms = a;
    return 0;
}

void ssp__alarm_set(struct ssp__alarm *a, uint64_t wait_ms)
{
    struct timeval tv = {(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000) * 1000};
    a->due_ms = event_add(a->event, &tv) == 0 ? ssp__loop_now_ms(a->loop) + wait_ms : UINT64_MAX;
    ssp__loop_fd_arm(a->loop);
}

void ssp__alarm_clear(struct ssp__alarm *a)
{
    a->due_ms = UINT64_MAX;
    (void)event_del(a->event);
    ssp__loop_fd_arm(a->loop);
}

void ssp__alarm_close(struct ssp__alarm *a)
{
    if (a->event == NULL)
        return;
    struct ssp__alarm **at = &a->loop->alarms;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    event_free(a->event);
    a->event = NULL;
}

/* ---- timers: lanes of equal limits over one alarm ---- */

static void unlink_timer(struct ssp__timer *t)
{
    struct ssp__lane *lane = t->lane;
    if (lane == NULL)
        return;
    *(t->prev != NULL ? &t->prev->next : &lane->first) = t->next;
    *(t->next != NULL ? &t->next->prev : &lane->last) = t->prev;
    t->lane = NULL;
}

/* Fires what is due in one lane.  A timer that fires may start and stop any other. */
static void run_lane(struct ssp__lane *lane, uint64_t now_ms)
{
    while (lane->first != NULL && lane->first->due_ms <= now_ms) {
        struct ssp__timer *t = lane->first;
        unlink_timer(t);
        t->fire(t->arg);
    }
}

void ssp__loop_tick_by(ssp_loop *loop, uint64_t due_ms)
{
    if (due_ms >= loop->tick.due_ms)
        return;
    uint64_t now_ms = ssp__loop_now_ms(loop);
    ssp__alarm_set(&loop->tick, due_ms > now_ms ? due_ms - now_ms : 0);
}

void ssp__loop_tick(void *arg)
{
    ssp_loop *loop = arg;
    uint64_t now = ssp__loop_now_ms(loop);
    for (unsigned i = 0; i < loop->lanes; i++)
        run_lane(&loop->lane[i], now);
    ssp__loop_run_deadlines(loop, now);

    uint64_t next = loop->deadlines != NULL ? loop->deadlines->due_ms : UINT64_MAX;
    for (unsigned i = 0; i < loop->lanes; i++) {
        const struct ssp__timer *first = loop->lane[i].first;
        if (first != NULL && first->due_ms < next)
            next = first->due_ms;
    }
    ssp__loop_tick_by(loop, next);
}

/* The lane of this limit, a new one, or when all are taken the shortest that is longer. */
static struct ssp__lane *lane_of(ssp_loop *loop, unsigned limit_ms)
{
    struct ssp__lane *best = NULL;
    for (unsigned i = 0; i < loop->lanes; i++) {
        struct ssp__lane *lane = &loop->lane[i];
        if (lane->limit_ms == limit_ms)
            return lane;
        if (lane->limit_ms > limit_ms && (best == NULL || lane->limit_ms < best->limit_ms))
            best = lane;
    }
    if (loop->lanes < SSP_LANES) {
        loop->lane[loop->lanes].limit_ms = limit_ms;
        return &loop->lane[loop->lanes++];
    }
    return best != NULL ? best : &loop->lane[0];
}

void ssp__timer_start(ssp_loop *loop, struct ssp__timer *t, unsigned limit_ms)
{
    ssp__timer_stop(t);
    uint64_t now = ssp__loop_now_ms(loop);
    struct ssp__lane *lane = lane_of(loop, limit_ms);
    t->lane = lane;
    t->due_ms = now + lane->limit_ms;
    t->prev = lane->last;
    t->next = NULL;
    *(lane->last != NULL ? &lane->last->next : &lane->first) = t;
    lane->last = t;
    ssp__loop_tick_by(loop, t->due_ms);
}

void ssp__timer_stop(struct ssp__timer *t)
{
    unlink_timer(t);
}
