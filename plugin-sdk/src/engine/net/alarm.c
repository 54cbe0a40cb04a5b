/* SPDX-License-Identifier: Apache-2.0 */
/* alarm.c - the clock of a loop, and what libevent, or a loop outside, has to wait for. */
#include "net/loop_impl.h"

#include <time.h>

uint64_t ssp__loop_now_ms(const ssp_loop *loop)
{
    (void)loop;
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

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

void ssp__loop_tick_by(ssp_loop *loop, uint64_t due_ms)
{
    if (due_ms >= loop->tick.due_ms)
        return;
    uint64_t now_ms = ssp__loop_now_ms(loop);
    ssp__alarm_set(&loop->tick, due_ms > now_ms ? due_ms - now_ms : 0);
}
