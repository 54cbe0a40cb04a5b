/* SPDX-License-Identifier: Apache-2.0 */
#include "app/generation.h"

#include "app/programs.h"

#include <stdlib.h>

struct ss_generation *ss_generation_new(void)
{
    struct ss_generation *g = calloc(1, sizeof *g);
    if (g != NULL)
        g->holders = 1;
    return g;
}

void ss_generation_leave(struct ss_generation *g)
{
    if (g == NULL || --g->holders > 0)
        return;
    ss_conf_release(&g->conf);
    free(g);
}

size_t ss_generation_count(const struct ss_generation *g)
{
    return g->conf.instances > 0 ? g->conf.instances : 1;
}

struct ss_conf *ss_generation_conf(struct ss_generation *g, size_t i)
{
    return g->conf.instances > 0 ? &g->conf.instance[i] : &g->conf;
}

enum ss_program ss_generation_program(const struct ss_generation *g, size_t i,
                                      enum ss_program program)
{
    return g->conf.instances > 0 ? g->conf.instance[i].program : program;
}

struct ss_instance *ss_generation_instance(struct ss_generation *g, size_t i)
{
    struct ss_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return NULL;
    instance->generation = g;
    instance->conf = ss_generation_conf(g, i);
    g->holders++;
    return instance;
}

void ss_generation_end_instance(struct ss_instance *instance)
{
    struct ss_generation *g = instance->generation;
    if (instance->process != NULL)
        ssp__timer_stop(&instance->leaving);
    ss_instance_close(instance);
    free(instance);
    ss_generation_leave(g);
}
