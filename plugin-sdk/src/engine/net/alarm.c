/* SPDX-License-Identifier: Apache-2.0 */
/* alarm.c - the clock of a loop, and what it, or a loop outside, has to wait for. */
#include "net/loop_impl.h"

#include <sys/timerfd.h>
#include <time.h>

uint64_t ssp__loop_now_ms(const ssp_loop *loop)
{
    (void)loop;
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t ssp__loop_due_ms(const ssp_loop *loop)
{
    uint64_t due_ms = UINT64_MAX;
    for (const struct ssp__alarm *a = loop->alarms; a != NULL; a = a->next)
        due_ms = a->due_ms < due_ms ? a->due_ms : due_ms;
    return due_ms;
}

void ssp__loop_fd_arm(const ssp_loop *loop)
{
    if (loop->timer_fd == -1)
        return;
    uint64_t due_ms = loop->due.n > 0 ? 1 : ssp__loop_due_ms(loop); /* 1: long ago */
    struct itimerspec at = {.it_value = {0}};                       /* never */
    if (due_ms != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(due_ms / 1000);
        at.it_value.tv_nsec = (long)(due_ms % 1000) * 1000000;
    }
    (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void ssp__alarm_open(ssp_loop *loop, struct ssp__alarm *a, void (*fire)(void *arg), void *arg)
{
    *a = (struct ssp__alarm){.loop = loop, .due_ms = UINT64_MAX, .fire = fire, .arg = arg};
    a->next = loop->alarms;
    loop->alarms = a;
}

void ssp__alarm_set(struct ssp__alarm *a, uint64_t wait_ms)
{
    a->due_ms = ssp__loop_now_ms(a->loop) + wait_ms;
    ssp__loop_fd_arm(a->loop);
}

void ssp__alarm_clear(struct ssp__alarm *a)
{
    a->due_ms = UINT64_MAX;
    ssp__loop_fd_arm(a->loop);
}

void ssp__alarm_close(struct ssp__alarm *a)
{
    if (a->loop == NULL)
        return;
    struct ssp__alarm **at = &a->loop->alarms;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    if (a->loop->next_alarm == a)
        a->loop->next_alarm = a->next;
    a->loop = NULL;
}

/* Each fires at most once, whatever is set in it: a turn ends.  One that fires may close any. */
void ssp__loop_run_alarms(ssp_loop *loop)
{
    uint64_t now_ms = ssp__loop_now_ms(loop);
    for (struct ssp__alarm *a = loop->alarms; a != NULL; a = loop->next_alarm) {
        loop->next_alarm = a->next;
        if (a->due_ms > now_ms)
            continue;
        a->due_ms = UINT64_MAX;
        a->fire(a->arg);
    }
}

void ssp__loop_tick_by(ssp_loop *loop, uint64_t due_ms)
{
    if (due_ms >= loop->tick.due_ms)
        return;
    uint64_t now_ms = ssp__loop_now_ms(loop);
    ssp__alarm_set(&loop->tick, due_ms > now_ms ? due_ms - now_ms : 0);
}
