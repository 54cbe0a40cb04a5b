/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_impl.h - the inside of a loop, for alarm.c, deadline.c, loop.c, loop_fd.c and timer.c.
 */
#ifndef SSP_NET_LOOP_IMPL_H
#define SSP_NET_LOOP_IMPL_H

#include "net/loop.h"

#include <event2/event.h>

#include <stdatomic.h>

struct ssp__lane {
    unsigned limit_ms;
    struct ssp__timer *first, *last; /* in order of due_ms */
};

struct ssp_loop {
    struct event_base *base;
    struct ssp__alarm tick;
    struct ssp__alarm *alarms; /* list: all that exist */
    struct event *patience;    /* ends a turn in which nothing happens */
    struct event *woken;
    int wake_fd; /* other threads and signal handlers write here */
    atomic_bool stopped;
    int outer_fd; /* of ssp_loop_fd(): readable when libevent's own descriptor or timer_fd is */
    int timer_fd; /* fires with the first alarm */
    struct ssp__lane lane[SSP_LANES];
    unsigned lanes;
    struct ssp__deadline *deadlines; /* the first of them, root of the others */
    bool paced;
};

/* alarm.c: lanes and deadlines are looked at by then. */
void ssp__loop_tick_by(ssp_loop *loop, uint64_t due_ms);

/* timer.c and deadline.c: fire what is due. */
void ssp__loop_run_lanes(ssp_loop *loop, uint64_t now_ms);
void ssp__loop_run_deadlines(const ssp_loop *loop, uint64_t now_ms);

/* loop_fd.c: the descriptor of ssp_loop_fd(), if it exists, becomes readable with the first alarm,
 * and not before. */
void ssp__loop_fd_arm(const ssp_loop *loop);
void ssp__loop_fd_close(ssp_loop *loop);

#endif
