/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - lanes of timers with equal limits. */
#include "net/loop_impl.h"

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

void ssp__loop_run_lanes(ssp_loop *loop, uint64_t now_ms)
{
    for (unsigned i = 0; i < loop->lanes; i++)
        run_lane(&loop->lane[i], now_ms);
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
