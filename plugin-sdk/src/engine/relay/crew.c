/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/crew.h"

#include "base/thread.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct member {
    struct ssp__crew *crew;
    struct ssp__program program;
    struct ssp__post park;
    pthread_t thread;
};

struct ssp__crew {
    struct ssp__program *first;
    unsigned turn;        /* the worker that is asked first */
    unsigned depth;       /* of holds */
    unsigned running;     /* threads */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned parked;
    uint64_t holds; /* that are over */
    unsigned n;
    struct member member[];
};

/* ---- to hold them ---- */

/* In the member's thread. */
static void park(void *arg)
{
    struct ssp__crew *c = ((struct member *)arg)->crew;
    (void)pthread_mutex_lock(&c->lock);
    uint64_t holds = c->holds;
    c->parked++;
    (void)pthread_cond_broadcast(&c->changed);
    while (c->holds == holds)
        (void)pthread_cond_wait(&c->changed, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
}

void ssp__crew_hold(struct ssp__crew *c)
{
    if (c == NULL || c->depth++ > 0)
        return;
    for (unsigned i = 0; i < c->running; i++)
        ssp__loop_post(c->member[i].program.loop, &c->member[i].park);
    (void)pthread_mutex_lock(&c->lock);
    while (c->parked < c->running)
        (void)pthread_cond_wait(&c->changed, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
}

void ssp__crew_release(struct ssp__crew *c)
{
    if (c == NULL || --c->depth > 0)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->parked = 0;
    c->holds++;
    (void)pthread_cond_broadcast(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
}

/* ---- threads ---- */

/* One that does not turn any more could not be held either. */
static void *run(void *arg)
{
    struct member *m = arg;
    if (ssp_loop_run(m->program.loop) == 0)
        return NULL;
    ssp_error("worker: cannot wait for events: %s: the program ends", strerror(errno));
    _exit(SSP_EXIT_OS);
}

int ssp__crew_start(struct ssp__crew *c)
{
    int error = 0;
    if (c == NULL)
        return 0;
    while (error == 0 && c->running < c->n) {
        struct member *m = &c->member[c->running];
        error = ssp__thread_start(&m->thread, run, m);
        c->running += error == 0;
    }
    if (error != 0)
        ssp__crew_join(c);
    return error;
}

/* A connection that was handed over at the last moment begins, to be ended like the others. */
void ssp__crew_join(struct ssp__crew *c)
{
    for (; c != NULL && c->running > 0; c->running--) {
        struct member *m = &c->member[c->running - 1];
        ssp_loop_stop(m->program.loop);
        (void)pthread_join(m->thread, NULL);
        (void)ssp_loop_turn(m->program.loop, 0);
    }
}

/* ---- the crew ---- */

int ssp__crew_open(struct ssp__program *program, unsigned others, const char *nameservers,
                   bool prefer_v6, const char **why)
{
    *why = "out of memory";
    struct ssp__crew *c = calloc(1, sizeof *c + others * sizeof c->member[0]);
    if (c == NULL)
        return -1;
    (void)pthread_mutex_init(&c->lock, NULL); /* neither can fail here */
    (void)pthread_cond_init(&c->changed, NULL);
    c->first = program;
    program->crew = c;
    for (; c->n < others; c->n++) {
        struct member *m = &c->member[c->n];
        m->crew = c;
        m->park = (struct ssp__post){.fire = park, .arg = m};
        if (ssp__program_open_other(&m->program, nameservers, prefer_v6, why) == -1)
            return -1;
        ssp__program_mark_lookups(&m->program, program->lookups.fwmark);
        ssp__admission_share(m->program.worker->admission, others + 1);
    }
    ssp__admission_share(program->worker->admission, others + 1);
    return 0;
}

void ssp__crew_free(struct ssp__program *program)
{
    struct ssp__crew *c = program->crew;
    program->crew = NULL;
    if (c == NULL)
        return;
    for (unsigned i = 0; i < c->n; i++)
        ssp__program_close(&c->member[i].program);
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

unsigned ssp__crew_others(const struct ssp__crew *c)
{
    return c != NULL ? c->n : 0;
}

struct ssp__program *ssp__crew_program(struct ssp__crew *c, unsigned other)
{
    return &c->member[other].program;
}

/* ---- loads ---- */

unsigned ssp__crew_load(const struct ssp__program *program, unsigned worker)
{
    const struct ssp__program *p =
        worker > 0 ? &program->crew->member[worker - 1].program : program;
    return atomic_load_explicit(&p->worker->load, memory_order_relaxed);
}

unsigned ssp__crew_least_loaded(struct ssp__crew *c)
{
    unsigned workers = c->n + 1, best = c->turn % workers;
    unsigned least = ssp__crew_load(c->first, best);
    for (unsigned i = 1; i < workers && least > 0; i++) {
        unsigned worker = (c->turn + i) % workers, load = ssp__crew_load(c->first, worker);
        if (load < least) {
            least = load;
            best = worker;
        }
    }
    c->turn = best + 1;
    return best;
}
