/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/drain.h"

static unsigned own_live(const struct ssp__instance *i)
{
    return __atomic_load_n(&i->live, __ATOMIC_RELAXED);
}

unsigned ssp__instance_live(const struct ssp__instance *i)
{
    unsigned n = own_live(i);
    for (unsigned k = 0; k < i->mates; k++)
        n += own_live(&i->mate[k]);
    return n;
}

/* Others read it. */
static unsigned set_live(struct ssp__instance *i, unsigned live)
{
    __atomic_store_n(&i->live, live, __ATOMIC_RELAXED);
    return live;
}

static void drained(void *arg)
{
    struct ssp__instance *i = arg;
    void (*done)(void *) = i->on_drained;
    ssp__drain_cancel(i);
    done(i->drained_arg);
}

void ssp__drain_joined(struct ssp__instance *i)
{
    ssp__count(&i->meter->counters.accepted, 1);
    atomic_fetch_add_explicit(&i->program->worker->load, 1, memory_order_relaxed);
    if (set_live(i, i->live + 1) == 1 && i->on_busy != NULL)
        i->on_busy(i->busy_arg);
}

void ssp__drain_look(void *instance)
{
    struct ssp__instance *i = instance;
    if (i->on_drained != NULL && ssp__instance_live(i) == 0)
        drained(i);
}

void ssp__drain_left(struct ssp__instance *i)
{
    atomic_fetch_sub_explicit(&i->program->worker->load, 1, memory_order_relaxed);
    if (set_live(i, i->live - 1) > 0)
        return;
    if (i->draining)
        ssp__loop_post(i->chief->program->loop, &i->emptied);
    else
        ssp__drain_look(i);
}

void ssp__drain_begin(struct ssp__instance *i, unsigned ms, void (*done)(void *arg), void *arg)
{
    i->on_drained = done;
    i->drained_arg = arg;
    i->drain.fire = drained;
    i->drain.arg = i;
    ssp__timer_start(i->program->loop, &i->drain, ssp__instance_live(i) > 0 ? ms : 0);
}

void ssp__drain_cancel(struct ssp__instance *i)
{
    ssp__timer_stop(&i->drain);
    i->on_drained = NULL;
}
