/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_impl.h - the inside of a loop, for alarm.c, deadline.c, interest.c, loop.c, loop_fd.c,
 * post.c, signal.c and timer.c.
 */
#ifndef SSP_NET_LOOP_IMPL_H
#define SSP_NET_LOOP_IMPL_H

#include "net/loop.h"
#include "net/owners.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

enum { SSP_LOOP_EVENTS = 64 }; /* of one turn; more wait for the next */

struct ssp__lane {
    unsigned limit_ms;
    struct ssp__timer *first, *last; /* in order of due_ms */
};

/* In the order in which they came. */
struct ssp__posts {
    pthread_mutex_t lock; /* guards what follows, and the posts */
    struct ssp__post *first, *last;
};

struct event_base;

struct ssp_loop {
    int epoll_fd;
    struct epoll_event event[SSP_LOOP_EVENTS]; /* of this turn */
    int happened;                              /* their number */
    struct ssp__owners owners;                 /* of descriptors: their interests */
    struct ssp__due due;                       /* what the next turn reacts to in any case */
    uint32_t serial;                           /* of the last registration */
    uint32_t turns;
    struct ssp__alarm tick;
    struct ssp__alarm *alarms;     /* list: all that exist */
    struct ssp__alarm *next_alarm; /* to be looked at in this turn */
    struct ssp__watch *woken;
    int wake_fd; /* other threads and signal handlers write here */
    struct ssp__posts posts;
    atomic_bool stopped;
    int timer_fd; /* of ssp_loop_fd(): fires with the first alarm; -1: not asked for */
    struct ssp__watch *expired; /* of timer_fd */
    struct event_base *signals; /* of libevent; NULL: none was ever watched */
    struct ssp__watch *caught;  /* of its descriptor */
    struct ssp__lane lane[SSP_LANES];
    unsigned lanes;
    struct ssp__deadline *deadlines; /* the first of them, root of the others */
    bool turning;                    /* a reaction may not turn it */
    bool paced;
};

/* interest.c: what has happened, waiting until then for the first of it; -1 when it failed.  Then
 * the reactions. */
int ssp__loop_wait(ssp_loop *loop, uint64_t until_ms);
void ssp__loop_react(ssp_loop *loop);

/* alarm.c: lanes and deadlines are looked at by then; when the first alarm is due, or UINT64_MAX;
 * fires those that are due. */
void ssp__loop_tick_by(ssp_loop *loop, uint64_t due_ms);
uint64_t ssp__loop_due_ms(const ssp_loop *loop);
void ssp__loop_run_alarms(ssp_loop *loop);

/* timer.c and deadline.c: fire what is due. */
void ssp__loop_run_lanes(ssp_loop *loop, uint64_t now_ms);
void ssp__loop_run_deadlines(const ssp_loop *loop, uint64_t now_ms);

/* alarm.c: the descriptor of ssp_loop_fd(), if it was asked for, becomes readable with the first
 * alarm, and not before. */
void ssp__loop_fd_arm(const ssp_loop *loop);

/* post.c: fires what other threads have posted. */
void ssp__loop_run_posts(ssp_loop *loop);

/* loop_fd.c */
void ssp__loop_fd_close(ssp_loop *loop);

/* signal.c */
void ssp__loop_end_signals(ssp_loop *loop);

#endif
