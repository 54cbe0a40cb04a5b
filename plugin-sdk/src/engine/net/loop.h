/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the event loop: readiness, signals, and one queue for all deadlines.
 *
 * It waits in an epoll descriptor of its own; libevent keeps the signals.  Times are milliseconds
 * of the monotonic clock.  When a loop is freed, all its streams, listeners, timers and signals
 * must be gone.
 */
#ifndef SSP_NET_LOOP_H
#define SSP_NET_LOOP_H

#include <ssplugin/host.h> /* what of the loop is public */

#include <stdbool.h>
#include <stdint.h>

struct ssp__lane;

uint64_t ssp__loop_now_ms(const ssp_loop *loop);

/* How often it has turned; wraps around. */
uint32_t ssp__loop_turns(const ssp_loop *loop);

/* True when the system's default congestion control paces: loopback sockets then take reno. */
bool ssp__loop_paced(const ssp_loop *loop);

/* One deadline of any length, for owners that keep many of them in a structure of their own.
 * Embedded in its owner, which must not move; all functions but open accept only one that is open.
 */
struct ssp__alarm {
    ssp_loop *loop;
    struct ssp__alarm *next;
    uint64_t due_ms; /* UINT64_MAX: not set */
    void (*fire)(void *arg);
    void *arg; /* borrowed */
};

void ssp__alarm_open(ssp_loop *loop, struct ssp__alarm *a, void (*fire)(void *arg), void *arg);
void ssp__alarm_set(struct ssp__alarm *a, uint64_t wait_ms); /* sets it anew */
void ssp__alarm_clear(struct ssp__alarm *a);
void ssp__alarm_close(struct ssp__alarm *a); /* accepts a zeroed one */

/* A deadline.  Embedded in its owner; zero is a valid stopped timer once fire is set. */
struct ssp__timer {
    struct ssp__timer *prev, *next;
    struct ssp__lane *lane; /* NULL: stopped */
    uint64_t due_ms;
    void (*fire)(void *arg);
    void *arg; /* borrowed */
};

/*
 * Starts or restarts t to fire once after limit_ms.  Constant time: timers of one limit wait in one
 * lane, in order.  A program uses few distinct limits (SSP_LANES); one more is rounded up to the
 * next longer lane.
 */
enum { SSP_LANES = 32 };
void ssp__timer_start(ssp_loop *loop, struct ssp__timer *t, unsigned limit_ms);
void ssp__timer_stop(struct ssp__timer *t);

/* A deadline of any length, in logarithmic time.  Embedded in its owner; zero is a valid one that
 * is not set once fire is. */
struct ssp__deadline {
    ssp_loop *loop;                            /* NULL: not set */
    struct ssp__deadline *child, *prev, *next; /* prev of a first child is its parent */
    uint64_t due_ms;
    void (*fire)(void *arg);
    void *arg; /* borrowed */
};

void ssp__deadline_set(ssp_loop *loop, struct ssp__deadline *d, uint64_t due_ms); /* or anew */
void ssp__deadline_clear(struct ssp__deadline *d);

/* Calls fire(arg) in the loop whenever the process receives signo.  NULL when refused. */
struct ssp__signal;
struct ssp__signal *ssp__signal_watch(ssp_loop *loop, int signo, void (*fire)(void *arg),
                                      void *arg);
void ssp__signal_free(struct ssp__signal *signal); /* accepts NULL */

/* A call of fire(arg) that any thread asks of the thread of a loop.  Embedded in its owner; zero is
 * valid once fire is set. */
struct ssp__post {
    struct ssp__post *next;
    bool queued; /* the loop's, until it is fired */
    void (*fire)(void *arg);
    void *arg; /* borrowed */
};

/* Posts are fired in their order, one that waits already once.  May be called from any thread; all
 * calls for one post have the same loop. */
void ssp__loop_post(ssp_loop *loop, struct ssp__post *post);
void ssp__loop_unpost(ssp_loop *loop, struct ssp__post *post); /* accepts one that does not wait */

/* Calls fire(arg) whenever fd is readable; fd stays the caller's.  NULL when refused. */
struct ssp__watch;
struct ssp__watch *ssp__watch_open(ssp_loop *loop, int fd, void (*fire)(void *arg), void *arg);
void ssp__watch_close(struct ssp__watch *watch); /* accepts NULL */

#endif
