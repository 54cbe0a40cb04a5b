/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

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

/* Fires what is due in the lanes and of the deadlines. */
static void tick(void *arg)
{
    ssp_loop *loop = arg;
    uint64_t now = ssp__loop_now_ms(loop);
    ssp__loop_run_lanes(loop, now);
    ssp__loop_run_deadlines(loop, now);

    uint64_t next = loop->deadlines != NULL ? loop->deadlines->due_ms : UINT64_MAX;
    for (unsigned i = 0; i < loop->lanes; i++) {
        const struct ssp__timer *first = loop->lane[i].first;
        if (first != NULL && first->due_ms < next)
            next = first->due_ms;
    }
    ssp__loop_tick_by(loop, next);
}

static void nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void woken(evutil_socket_t fd, short what, void *arg)
{
    ssp_loop *loop = arg;
    eventfd_t n;
    (void)what;
    (void)eventfd_read(fd, &n);
    if (atomic_load(&loop->stopped))
        (void)event_base_loopbreak(loop->base);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

ssp_loop *ssp_loop_new(void)
{
    ssp_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->outer_fd = loop->timer_fd = -1;
    loop->base = new_base();
    if (loop->base == NULL || loop->wake_fd == -1)
        goto fail;
    loop->patience = event_new(loop->base, -1, 0, nothing, NULL);
    loop->woken = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, woken, loop);
    if (loop->patience == NULL || loop->woken == NULL || event_add(loop->woken, NULL) == -1 ||
        ssp__alarm_open(loop, &loop->tick, tick, loop) == -1)
        goto fail;
    loop->paced = default_is_paced();
    return loop;

fail:
    ssp_loop_free(loop);
    return NULL;
}

void ssp_loop_free(ssp_loop *loop)
{
    if (loop == NULL)
        return;
    ssp__alarm_close(&loop->tick);
    if (loop->patience != NULL)
        event_free(loop->patience);
    if (loop->woken != NULL)
        event_free(loop->woken);
    if (loop->base != NULL)
        event_base_free(loop->base);
    ssp__loop_fd_close(loop);
    if (loop->wake_fd != -1)
        (void)close(loop->wake_fd);
    free(loop);
}

int ssp_loop_run(ssp_loop *loop)
{
    int rc = 0;
    if (!atomic_load(&loop->stopped))
        rc = event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    atomic_store(&loop->stopped, false);
    return rc == -1 ? -1 : 0;
}

int ssp_loop_turn(ssp_loop *loop, unsigned wait_ms)
{
    struct timeval tv = {(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000) * 1000};
    bool waits = wait_ms > 0 && event_add(loop->patience, &tv) == 0;
    int rc = event_base_loop(loop->base, waits ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
    (void)event_del(loop->patience);
    ssp__loop_fd_arm(loop);
    return rc == -1 ? -1 : 0;
}

void ssp_loop_wake(ssp_loop *loop)
{
    int error = errno;
    (void)eventfd_write(loop->wake_fd, 1);
    errno = error;
}

void ssp_loop_stop(ssp_loop *loop)
{
    atomic_store(&loop->stopped, true);
    ssp_loop_wake(loop);
}

bool ssp__loop_paced(const ssp_loop *loop)
{
    return loop->paced;
}

struct event_base *ssp__loop_base(const ssp_loop *loop)
{
    return loop->base;
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
