/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal.c - signals, by libevent: a handler belongs to the whole process, and libevent keeps that
 * state.  Its base has nothing else to do, and its one descriptor is watched like any other.
 */
#include "net/loop_impl.h"

#include <event2/event.h>
#include <stdlib.h>

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

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/* A signal that came before its watch ended is read, too: the socket would stay readable. */
static void caught(void *arg)
{
    (void)event_base_loop(arg, EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY);
}

/* Handlers write to a socket of the base, whose other end is the one that it reads. */
static int note_source(const struct event_base *base, const struct event *event, void *arg)
{
    (void)base;
    bool reads = (event_get_events(event) & EV_READ) != 0;
    if (reads)
        *(int *)arg = (int)event_get_fd(event);
    return reads;
}

/* The socket is there with the first signal. */
static bool hear(ssp_loop *loop)
{
    int fd = -1;
    if (loop->caught != NULL)
        return true;
    (void)event_base_foreach_event(loop->signals, note_source, &fd);
    if (fd != -1)
        loop->caught = ssp__watch_open(loop, fd, caught, loop->signals);
    return loop->caught != NULL;
}

struct ssp__signal *ssp__signal_watch(ssp_loop *loop, int signo, void (*fire)(void *arg), void *arg)
{
    struct ssp__signal *s = calloc(1, sizeof *s);
    if (loop->signals == NULL)
        loop->signals = new_base();
    if (s == NULL || loop->signals == NULL) {
        free(s);
        return NULL;
    }
    *s = (struct ssp__signal){.fire = fire, .arg = arg};
    s->event = evsignal_new(loop->signals, signo, signalled, s);
    if (s->event != NULL && event_add(s->event, NULL) == 0 && hear(loop))
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

void ssp__loop_end_signals(ssp_loop *loop)
{
    ssp__watch_close(loop->caught);
    if (loop->signals != NULL)
        event_base_free(loop->signals);
}
