/* SPDX-License-Identifier: Apache-2.0 */
#include "app/retire.h"

#include "app/generation.h"

#include <limits.h>

enum { LOOK_MS = 20 }; /* for the end of a plugin */

static void take_out(struct ss_instance *i)
{
    struct ss_instance **link = &i->process->retired;
    while (*link != i)
        link = &(*link)->sibling;
    *link = i->sibling;
}

static void end(struct ss_instance *i)
{
    take_out(i);
    ss_generation_end_instance(i);
}

/* The process does not wait for a plugin that takes its time. */
static void look(void *arg)
{
    struct ss_instance *i = arg;
    if (i->plugin == NULL || ss_plugin_liveness(i->plugin) == SSP_DEAD) {
        end(i);
        return;
    }
    ss_plugin_begin_stop(i->plugin);
    ssp__timer_start(i->process->program.loop, &i->leaving, LOOK_MS);
}

/* Called by its last session, which is not done with it. */
static void drained(void *arg)
{
    struct ss_instance *i = arg;
    ssp__timer_start(i->process->program.loop, &i->leaving, 0);
}

static void end_sessions(struct ss_instance *i)
{
    ssp__instance_close(&i->relay);
    drained(i);
}

/* Some have retired before for one that retires now. */
static void pass_on(struct ss_instance *former, struct ss_instance *successor, bool ends)
{
    for (struct ss_instance *i = former->process->retired; i != NULL; i = i->sibling) {
        if (i->successor != former)
            continue;
        i->successor = successor;
        if (ends)
            end_sessions(i);
    }
}

void ss_instance_retire(struct ss_instance *i, struct ss_instance *successor, bool ends)
{
    if (!i->retired) {
        pass_on(i, successor, ends);
        i->successor = successor;
        i->retired = true;
        i->leaving = (struct ssp__timer){.fire = look, .arg = i};
        i->sibling = i->process->retired;
        i->process->retired = i;
        ss_instance_stop_listening(i);
        ss_instance_leave(i);
    }
    bool failed = i->relay.program == NULL;
    if (ends || failed)
        end_sessions(i);
    else
        ssp__instance_drain(&i->relay, UINT_MAX, drained, i);
}

void ss_retired_close(struct ss_process *process)
{
    while (process->retired != NULL)
        end(process->retired);
}
