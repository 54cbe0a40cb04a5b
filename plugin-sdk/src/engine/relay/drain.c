/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/drain.h"

static void drained(void *arg)
{
    struct ssp__instance *i = arg;
    void (*done)(void *) = i->on_drained;
    ssp__drain_cancel(i);
    done(i->drained_arg);
}

void ssp__drain_joined(struct ssp__instance *i)
{
    i->meter->counters.accepted++;
    if (++i->live == 1 && i->on_busy != NULL)
        i->on_busy(i->busy_arg);
}

void ssp__drain_left(struct ssp__instance *i)
{
    if (--i->live == 0 && i->on_drained != NULL)
        drained(i);
}

void ssp__drain_begin(struct ssp__instance *i, unsigned ms, void (*done)(void *arg), void *arg)
{
    i->on_drained = done;
    i->drained_arg = arg;
    i->drain.fire = drained;
    i->drain.arg = i;
    ssp__timer_start(i->program->loop, &i->drain, i->live > 0 ? ms : 0);
}

void ssp__drain_cancel(struct ssp__instance *i)
{
    ssp__timer_stop(&i->drain);
    i->on_drained = NULL;
}
