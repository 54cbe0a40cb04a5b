/* SPDX-License-Identifier: Apache-2.0 */
#include "app/refresh.h"

#include "app/reload.h"
#include "app/thread.h"
#include "conf/online.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { S_MS = 1000, JITTER = 10 /* parts of the interval: sooner or later by up to one of them */ };

struct ss_refresh {
    struct ss_serving *serving;   /* borrowed */
    struct ss_generation *looked; /* whose list it is; held */
    struct ss_online_look look;   /* the thread's while it runs, as the next two */
    enum ss_online_news news;
    char why[SS_FETCH_WHY_MAX];
    pthread_t thread;
    bool runs, fails; /* fails: as was told */
    atomic_bool stop;
    struct ssp__deadline next;
    int done; /* an eventfd */
    struct ssp__watch *watch;
};

/* Programs that read one list do not all come at once. */
static void schedule(struct ss_refresh *r)
{
    const struct ss_online *online = &r->looked->conf.online;
    const ssp_world *world = &r->serving->process.program.worker->world;
    uint64_t part = (uint64_t)online->interval_s * S_MS / JITTER;
    uint32_t number;
    if (online->url == NULL || online->interval_s == 0)
        return;
    world->random(world->arg, (uint8_t *)&number, sizeof number);
    ssp_loop *loop = r->serving->process.program.loop;
    ssp__deadline_set(loop, &r->next,
                      ssp__loop_now_ms(loop) + part * (JITTER - 1) + number % (2 * part + 1));
}

/* ---- a look ---- */

static void *look(void *arg)
{
    struct ss_refresh *r = arg;
    const uint64_t one = 1;
    r->news = ss_online_look(&r->look, r->why);
    (void)!write(r->done, &one, sizeof one);
    return NULL;
}

/* Signals are the loop's. */
static void begin(void *arg)
{
    struct ss_refresh *r = arg;
    r->runs = ss_thread_start(&r->thread, look, r) == 0;
    if (!r->runs)
        schedule(r);
}

/* A provider that has no good list is told of once. */
static void tell(struct ss_refresh *r)
{
    bool fails = r->news == SS_ONLINE_WRONG;
    if (fails && !r->fails)
        ssp_error("online_config: no list: %s; the servers stay as they are", r->why);
    else if (!fails && r->fails)
        ssp_info("online_config: the list is there again");
    if (r->news == SS_ONLINE_NEW)
        ssp_info("online_config: the list has changed");
    r->fails = fails;
}

/* The list that is in use has been looked at last. */
static void follow(void *arg)
{
    struct ss_refresh *r = arg;
    if (r->runs)
        return;
    struct ss_generation *before = r->looked;
    r->looked = r->serving->now;
    r->looked->holders++;
    ss_generation_leave(before);
    const struct ss_online *online = &r->looked->conf.online;
    r->look = (struct ss_online_look){.online = online,
                                      .program = r->serving->program,
                                      .version = online->version,
                                      .stop = &r->stop};
    memcpy(r->look.print, online->print, sizeof r->look.print);
    ssp__deadline_clear(&r->next);
    schedule(r);
}

static void finish(void *arg)
{
    struct ss_refresh *r = arg;
    uint64_t count;
    (void)!read(r->done, &count, sizeof count);
    (void)pthread_join(r->thread, NULL);
    r->runs = false;
    tell(r);
    bool other = r->looked != r->serving->now;
    if (other)
        follow(r);
    else
        schedule(r);
    if (r->news == SS_ONLINE_NEW)
        ss_reload_begin(r->serving->reload);
}

/* ---- its life ---- */

int ss_refresh_open(struct ss_serving *s)
{
    struct ss_refresh *r = calloc(1, sizeof *r);
    if (r == NULL) {
        ssp_error("start: out of memory");
        return -1;
    }
    s->refresh = r;
    r->serving = s;
    r->next.fire = begin;
    r->next.arg = r;
    r->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->done != -1)
        r->watch = ssp__watch_open(s->process.program.loop, r->done, finish, r);
    if (r->watch == NULL) {
        ssp_error("start: cannot prepare for online_config: %s", strerror(errno));
        return -1;
    }
    s->reloaded = follow;
    follow(r);
    return 0;
}

void ss_refresh_close(struct ss_refresh *r)
{
    if (r == NULL)
        return;
    atomic_store(&r->stop, true);
    if (r->runs)
        (void)pthread_join(r->thread, NULL);
    ssp__deadline_clear(&r->next);
    ssp__watch_close(r->watch);
    if (r->done != -1)
        (void)close(r->done);
    ss_generation_leave(r->looked);
    free(r);
}
