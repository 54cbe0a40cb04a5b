/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <event2/event.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct ssp__lane {
    unsigned limit_ms;
    struct ssp__timer *first, *last; /* in order of due_ms */
};

struct ssp_loop {
    struct event_base *base;
    struct event *tick;
    struct event *patience; /* ends a turn in which nothing happens */
    uint64_t tick_ms;       /* when tick fires; UINT64_MAX: not armed */
    struct ssp__lane lane[SSP_LANES];
    unsigned lanes;
    bool paced;
};

static bool default_is_paced(void)
{
    char name[32] = "";
    int fd = open("/proc/sys/net/ipv4/tcp_congestion_control", O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    ssize_t n = read(fd, name, sizeof name - 1);
    (void)close(fd);
    return n > 0 && strncmp(name, "bbr", 3) == 0;
}

uint64_t ssp__loop_now_ms(const ssp_loop *loop)
{
    (void)loop;
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void arm_tick(ssp_loop *loop, uint64_t due_ms, uint64_t now_ms)
{
    uint64_t wait = due_ms > now_ms ? due_ms - now_ms : 0;
    struct timeval tv = {(time_t)(wait / 1000), (suseconds_t)(wait % 1000) * 1000};
    loop->tick_ms = due_ms;
    (void)event_add(loop->tick, &tv);
}

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

static void tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ssp_loop *loop = arg;
    uint64_t now = ssp__loop_now_ms(loop);
    loop->tick_ms = UINT64_MAX;
    for (unsigned i = 0; i < loop->lanes; i++)
        run_lane(&loop->lane[i], now);

    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < loop->lanes; i++) {
        const struct ssp__timer *first = loop->lane[i].first;
        if (first != NULL && first->due_ms < next)
            next = first->due_ms;
    }
    if (next < loop->tick_ms)
        arm_tick(loop, next, now);
}

static void nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

ssp_loop *ssp_loop_new(void)
{
    ssp_loop *loop = calloc(1, sizeof *loop);
    struct event_config *config = event_config_new();
    if (loop == NULL || config == NULL)
        goto fail;
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    if (loop->base == NULL)
        goto fail;
    loop->tick = event_new(loop->base, -1, 0, tick, loop);
    loop->patience = event_new(loop->base, -1, 0, nothing, NULL);
    if (loop->tick == NULL || loop->patience == NULL)
        goto fail;
    event_config_free(config);
    loop->tick_ms = UINT64_MAX;
    loop->paced = default_is_paced();
    return loop;

fail:
    if (config != NULL)
        event_config_free(config);
    ssp_loop_free(loop);
    return NULL;
}

void ssp_loop_free(ssp_loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->tick != NULL)
        event_free(loop->tick);
    if (loop->patience != NULL)
        event_free(loop->patience);
    if (loop->base != NULL)
        event_base_free(loop->base);
    free(loop);
}

int ssp_loop_run(ssp_loop *loop)
{
    return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) == -1 ? -1 : 0;
}

int ssp_loop_turn(ssp_loop *loop, unsigned wait_ms)
{
    struct timeval tv = {(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000) * 1000};
    if (wait_ms > 0)
        (void)event_add(loop->patience, &tv);
    int rc = event_base_loop(loop->base, wait_ms > 0 ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
    (void)event_del(loop->patience);
    return rc == -1 ? -1 : 0;
}

void ssp_loop_stop(ssp_loop *loop)
{
    (void)event_base_loopbreak(loop->base);
}

bool ssp__loop_paced(const ssp_loop *loop)
{
    return loop->paced;
}

struct event_base *ssp__loop_base(const ssp_loop *loop)
{
    return loop->base;
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
    if (t->due_ms < loop->tick_ms)
        arm_tick(loop, t->due_ms, now);
}

void ssp__timer_stop(struct ssp__timer *t)
{
    unlink_timer(t);
}

struct ssp__signal {
    struct event *event;
    void (*fire)(void *arg);
    void *arg;
};

static void signalled(evutil_socket_t signo, short what, void *arg)
{
    (void)signo;
    (void)what;
    struct ssp__signal *s = arg;
    s->fire(s->arg);
}

struct ssp__signal *ssp__signal_watch(ssp_loop *loop, int signo, void (*fire)(void *arg), void *arg)
{
    struct ssp__signal *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (struct ssp__signal){.fire = fire, .arg = arg};
    s->event = evsignal_new(loop->base, signo, signalled, s);
    if (s->event != NULL && event_add(s->event, NULL) == 0)
        return s;
    ssp__signal_free(s);
    return NULL;
}

void ssp__signal_free(struct ssp__signal *signal)
{
    if (signal == NULL)
        return;
    if (signal->event != NULL)
        event_free(signal->event);
    free(signal);
}

struct ssp__watch {
    struct event *event;
    void (*fire)(void *arg);
    void *arg;
};

static void watched(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ssp__watch *w = arg;
    w->fire(w->arg);
}

struct ssp__watch *ssp__watch_open(ssp_loop *loop, int fd, void (*fire)(void *arg), void *arg)
{
    struct ssp__watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (struct ssp__watch){.fire = fire, .arg = arg};
    w->event = event_new(loop->base, fd, EV_READ | EV_PERSIST, watched, w);
    if (w->event != NULL && event_add(w->event, NULL) == 0)
        return w;
    ssp__watch_close(w);
    return NULL;
}

void ssp__watch_close(struct ssp__watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->event != NULL)
        event_free(watch->event);
    free(watch);
}
