/* SPDX-License-Identifier: Apache-2.0 */
#include "app/store.h"

#include "app/exchange.h"
#include "app/shared_salts.h"
#include "app/thread.h"
#include "app/traffic.h"
#include "proto/method.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    EVERY_MS = 200,    /* salts, and the version of the users */
    AWAY_MS = 1000,    /* the same, while the store is away */
    TRAFFIC_MS = 1000, /* what was carried is added */
    USERS_MS = 60000,  /* users are read, whatever their version */
    LIMIT_MS = 60000,  /* of an exchange beside the loop, with many users */
    WAIT_MS = 3000,    /* of one that the program waits for */
    NODE_BYTES = (SS_EXCHANGE_NODE - 1) / 2
};

struct ss_store {
    struct ss_serving *serving; /* borrowed; NULL: not begun */
    struct ss_shared_salts *salts;
    struct ss_exchange exchange; /* the thread's while it runs */
    struct ss_thread thread;
    struct ssp__timer next;
    struct ss_batch gathered; /* for the next batch */
    uint64_t added_ms, read_ms;
    uint64_t copied_ms;        /* end of the last exchange without an error; 0: none */
    uint64_t errors, commands; /* of exchanges that are over */
    bool away, whole;
    char told[SS_EXCHANGE_WHY_MAX]; /* what went wrong last */
    char remarked[SS_EXCHANGE_WHY_MAX];
};

int ss_store_open(struct ss_store **store, const struct ss_conf *c,
                  const struct ss_recent_keeper *inner)
{
    uint8_t node[NODE_BYTES];
    const char *why = NULL;
    *store = NULL;
    if (c->store == NULL)
        return 0;
    if (!ss_exchange_possible()) {
        ssp_error(
            "store: this program was built without hiredis (install libhiredis-dev, and build "
            "it again)");
        return -1;
    }
    struct ss_store *s = calloc(1, sizeof *s);
    if (s != NULL)
        s->salts = ss_shared_salts_new(inner);
    if (s == NULL || s->salts == NULL) {
        ssp_error("store: out of memory");
        free(s);
        return -1;
    }
    *store = s;
    if (ss_store_place_read(&s->exchange.place, c->store, &why) == -1) {
        ssp_error("store: %s", why);
        return -1;
    }
    randombytes_buf(node, sizeof node);
    (void)sodium_bin2hex(s->exchange.node, sizeof s->exchange.node, node, sizeof node);
    return 0;
}

const struct ss_recent_keeper *ss_store_keeper(const struct ss_store *s)
{
    return s != NULL ? ss_shared_salts_keeper(s->salts) : NULL;
}

/* ---- what goes to the store ---- */

struct gathering {
    struct ss_batch *batch;
    unsigned port;
};

static bool gather_user(void *arg, const char *name, uint64_t up, uint64_t down)
{
    const struct gathering *g = arg;
    return ss_batch_add(g->batch, g->port, name, up, down);
}

static void gather_instance(struct ss_store *s, const struct ss_instance *i)
{
    struct ss_meter *meter = i->meter;
    const struct gathering g = {&s->gathered, ss_traffic_port(i)};
    if (meter == NULL || i->conf == NULL)
        return;
    uint64_t up = meter->traffic.counters.bytes_up, down = meter->traffic.counters.bytes_down;
    if ((up != meter->told_up || down != meter->told_down) &&
        ss_batch_add(&s->gathered, g.port, NULL, up - meter->told_up, down - meter->told_down)) {
        meter->told_up = up;
        meter->told_down = down;
    }
    if (i->conf->users != NULL)
        ss_users_each_new(i->conf->users, gather_user, (void *)(uintptr_t)&g);
}

void ss_store_gather(struct ss_store *s)
{
    if (s == NULL || s->serving == NULL)
        return;
    for (const struct ss_instance *i = s->serving->first; i != NULL; i = i->sibling)
        gather_instance(s, i);
    for (const struct ss_instance *i = s->serving->process.retired; i != NULL; i = i->sibling)
        gather_instance(s, i);
}

void ss_store_read_again(struct ss_store *s)
{
    if (s != NULL)
        s->read_ms = 0;
}

/* A batch that may have been added is sent again as it was. */
static void prepare_batch(struct ss_store *s)
{
    struct ss_exchange *x = &s->exchange;
    if (x->batch.n > 0)
        return;
    ss_store_gather(s);
    x->batch = s->gathered;
    s->gathered = (struct ss_batch){.n = 0};
    x->sequence += x->batch.n > 0;
}

static void prepare_salts(struct ss_store *s)
{
    size_t lost;
    if (s->exchange.salts_len > 0)
        return;
    s->exchange.salts = ss_shared_salts_take(s->salts, &s->exchange.salts_len, &lost);
    if (lost > 0)
        ssp_error(
            "store: %zu salts were not told to the other nodes, which may take a recording of "
            "these connections once within 30 seconds",
            lost);
}

/* Ports whose users the store has: those whose configuration has "users", if only none. */
static void prepare_ports(struct ss_store *s)
{
    struct ss_exchange *x = &s->exchange;
    size_t n = 0;
    for (const struct ss_instance *i = s->serving->first; i != NULL; i = i->sibling)
        n += i->conf->users != NULL;
    x->port = n > 0 ? calloc(n, sizeof *x->port) : NULL;
    for (const struct ss_instance *i = s->serving->first; x->port != NULL && i != NULL;
         i = i->sibling) {
        const struct ss_method *method = ss_method_find(i->conf->method);
        if (i->conf->users == NULL || method == NULL)
            continue;
        x->port[x->ports++] = (struct ss_exchange_port){.port = ss_traffic_port(i),
                                                        .cipher = method->cipher,
                                                        .users = ss_users_hold(i->conf->users)};
    }
    x->whole = s->whole;
}

/* ---- what comes back ---- */

static struct ss_instance *instance_of(const struct ss_store *s, unsigned port)
{
    for (struct ss_instance *i = s->serving->first; i != NULL; i = i->sibling) {
        if (ss_traffic_port(i) == port)
            return i;
    }
    return NULL;
}

/* The bytes of other nodes count toward the limits here. */
static void take_total(const struct ss_store *s, const struct ss_batch_entry *e)
{
    struct ss_instance *i = e->totalled ? instance_of(s, e->port) : NULL;
    if (i == NULL)
        return;
    if (e->name == NULL)
        i->meter->traffic.allowance.used = e->total - i->meter->told_up - i->meter->told_down;
    else if (i->conf->users != NULL)
        ss_users_set_total(i->conf->users, e->name, e->total);
}

static void take_totals(const struct ss_store *s, const struct ss_batch *b)
{
    for (size_t k = 0; k < b->n; k++)
        take_total(s, &b->at[k]);
}

static void remark(struct ss_store *s, const struct ss_exchange_port *p)
{
    if (p->remark[0] == '\0' || strcmp(p->remark, s->remarked) == 0)
        return;
    (void)snprintf(s->remarked, sizeof s->remarked, "%s", p->remark);
    ssp_error("store: %s; the users that are served stay as they are", p->remark);
}

/* Totals have all that was told here but what was just gathered, whose own totals come with the
 * next batch. */
static void take_port(struct ss_store *s, struct ss_exchange_port *p)
{
    const struct ss_instance *i = instance_of(s, p->port);
    remark(s, p);
    if (i == NULL || i->conf->users != p->users || !p->read)
        return;
    size_t added = p->change.additions, removed = p->change.removals;
    ss_store_gather(s);
    ss_users_apply(p->users, &p->change);
    if (added + removed > 0)
        ssp_info("store: users of port %u: added %zu, removed %zu", p->port, added, removed);
    if (s->exchange.batch.n == 0)
        take_totals(s, &p->totals);
}

static void tell(struct ss_store *s)
{
    const struct ss_exchange *x = &s->exchange;
    bool away = x->connection == NULL;
    if (x->why[0] != '\0' && (strcmp(x->why, s->told) != 0 || away != s->away))
        ssp_error("store: %s; %s", x->why,
                  away ? "users and limits stay as they are, traffic is added later"
                       : "the rest is exchanged");
    if (!away && s->away)
        ssp_info("store: it is there again");
    if (x->why[0] != '\0' || (!away && s->away))
        memcpy(s->told, x->why, sizeof s->told);
    s->away = away;
}

static uint64_t now_ms(const struct ss_store *s)
{
    return ssp__loop_now_ms(s->serving->process.program.loop);
}

static void count(struct ss_store *s)
{
    const struct ss_exchange *x = &s->exchange;
    s->commands = x->commands;
    if (x->why[0] != '\0' || x->connection == NULL)
        s->errors++;
    else
        s->copied_ms = now_ms(s);
}

struct ss_store_counts ss_store_counts(const struct ss_store *s)
{
    return (struct ss_store_counts){
        .up = !s->away,
        .copied = s->copied_ms != 0,
        .age_ms = s->copied_ms != 0 ? now_ms(s) - s->copied_ms : 0,
        .errors = s->errors,
        .commands = s->commands,
    };
}

static void take(struct ss_store *s)
{
    struct ss_exchange *x = &s->exchange;
    count(s);
    tell(s);
    ss_shared_salts_learn(s->salts, x->learned, x->learneds, (int64_t)time(NULL));
    for (size_t k = 0; k < x->rest.n; k++) {
        const struct ss_batch_entry *e = &x->rest.at[k];
        (void)ss_batch_add(&s->gathered, e->port, e->name, e->up, e->down);
    }
    take_totals(s, &x->added);
    for (size_t k = 0; k < x->ports; k++)
        take_port(s, &x->port[k]);
    s->whole = s->whole && s->away;
    ss_exchange_clear(x);
}

/* ---- again and again ---- */

static void prepare(struct ss_store *s)
{
    uint64_t now = now_ms(s);
    if (now - s->added_ms >= TRAFFIC_MS || s->added_ms == 0) {
        s->added_ms = now;
        prepare_batch(s);
    }
    if (now - s->read_ms >= USERS_MS || s->read_ms == 0) {
        s->read_ms = now;
        s->whole = true;
    }
    prepare_salts(s);
    prepare_ports(s);
}

static void exchange(void *arg)
{
    struct ss_store *s = arg;
    ss_exchange_run(&s->exchange, &s->thread.stop, LIMIT_MS);
}

static void exchange_now(struct ss_store *s)
{
    ss_exchange_run(&s->exchange, &s->thread.stop, WAIT_MS);
}

static void schedule(struct ss_store *s)
{
    ssp__timer_start(s->serving->process.program.loop, &s->next, s->away ? AWAY_MS : EVERY_MS);
}

static void finish(void *arg)
{
    take(arg);
    schedule(arg);
}

static void begin(void *arg)
{
    struct ss_store *s = arg;
    prepare(s);
    if (ss_thread_begin(&s->thread) == 0)
        return;
    ss_exchange_clear(&s->exchange);
    schedule(s);
}

int ss_store_begin(struct ss_store *s, struct ss_serving *serving)
{
    if (s == NULL)
        return 0;
    s->serving = serving;
    s->next = (struct ssp__timer){.fire = begin, .arg = s};
    s->thread.work = exchange;
    s->thread.done = finish;
    s->thread.arg = s;
    if (ss_thread_open(&s->thread, serving->process.program.loop) == -1) {
        ssp_error("store: cannot prepare the thread: %s", strerror(errno));
        return -1;
    }
    prepare(s);
    exchange_now(s);
    ssp_info("store: this is node %s", s->exchange.node);
    finish(s);
    return 0;
}

/* Twice: a batch may be on its way, and more has been carried since. */
void ss_store_end(struct ss_store *s)
{
    if (s == NULL || s->serving == NULL)
        return;
    bool ran = s->thread.runs;
    ssp__timer_stop(&s->next);
    ss_thread_close(&s->thread);
    atomic_store(&s->thread.stop, false);
    if (ran)
        take(s);
    for (int i = 0; i < 2 && !s->away; i++) {
        prepare_batch(s);
        prepare_salts(s);
        exchange_now(s);
        take(s);
    }
    if (s->exchange.batch.n + s->gathered.n > 0)
        ssp_error("store: the traffic since the last exchange is lost: the store does not answer");
    s->serving = NULL;
}

void ss_store_free(struct ss_store *s)
{
    if (s == NULL)
        return;
    ss_exchange_close(&s->exchange);
    ss_batch_release(&s->gathered);
    ss_shared_salts_free(s->salts);
    free(s);
}
