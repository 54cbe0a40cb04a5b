/* SPDX-License-Identifier: Apache-2.0 */
#include "app/refresh.h"

#include "app/reload.h"
#include "app/thread.h"
#include "conf/online.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { S_MS = 1000, JITTER = 10 /* parts of the interval: sooner or later by up to one of them */ };

struct ss_refresh {
    struct ss_serving *serving;   /* borrowed */
    struct ss_generation *looked; /* whose list it is; held */
    struct ss_online_look look;   /* the thread's while it runs, as the next two */
    enum ss_online_news news;
    char why[SS_FETCH_WHY_MAX];
    struct ss_thread thread;
    bool fails; /* as was told */
    struct ssp__deadline next;
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

static void look(void *arg)
{
    struct ss_refresh *r = arg;
    r->news = ss_online_look(&r->look, r->why);
}

static void begin(void *arg)
{
    struct ss_refresh *r = arg;
    if (ss_thread_begin(&r->thread) != 0)
        schedule(r);
}

/* The list that was seen last can be used, and is not the one in use: a reload that has failed is
 * tried again. */
static bool is_behind(const struct ss_refresh *r)
{
    return r->news != SS_ONLINE_WRONG &&
           memcmp(r->look.print, r->looked->conf.online.print, sizeof r->look.print) != 0;
}

/* A provider that has no good list is told of once. */
static void tell(struct ss_refresh *r)
{
    bool fails = r->news == SS_ONLINE_WRONG;
    if (fails && !r->fails)
        ssp_error("online_config: no list: %s; the servers stay as they are", r->why);
    else if (!fails && r->fails)
        ssp_info("online_config: the list is there again");
    if (is_behind(r))
        ssp_info("online_config: the list has changed");
    r->fails = fails;
}

/* The list that is in use has been looked at last. */
static void follow(void *arg)
{
    struct ss_refresh *r = arg;
    if (r->thread.runs)
        return;
    struct ss_generation *before = r->looked;
    r->looked = r->serving->now;
    r->looked->holders++;
    ss_generation_leave(before);
    const struct ss_online *online = &r->looked->conf.online;
    r->look = (struct ss_online_look){.online = online,
                                      .program = r->serving->program,
                                      .version = online->version,
                                      .stop = &r->thread.stop};
    memcpy(r->look.print, online->print, sizeof r->look.print);
    ssp__deadline_clear(&r->next);
    schedule(r);
}

static void finish(void *arg)
{
    struct ss_refresh *r = arg;
    tell(r);
    bool other = r->looked != r->serving->now;
    if (other)
        follow(r);
    else
        schedule(r);
    if (is_behind(r))
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
    r->thread.work = look;
    r->thread.done = finish;
    r->thread.arg = r;
    if (ss_thread_open(&r->thread, s->process.program.loop) == -1) {
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
    ss_thread_close(&r->thread);
    ssp__deadline_clear(&r->next);
    ss_generation_leave(r->looked);
    free(r);
}
