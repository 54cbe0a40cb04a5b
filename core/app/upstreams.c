/* SPDX-License-Identifier: Apache-2.0 */
#include "app/upstreams.h"

#include "proto/method.h"
#include <ssplugin/log.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATIENCE_MS = 3000, /* for a dial when there are other servers to try */
    TRIES_MAX = 8,
    TOLD_FAILURES = 3, /* in a row: a log line, and associations of UDP move on */
    BITS = 64
};

struct ss_upstreams {
    struct ss_upstreams *next; /* of the process */
    struct ss_process *process;
    const struct ss_conf *conf; /* borrowed; that of which it was made */
    enum ss_program program;
    pthread_mutex_t lock;            /* guards what follows, and the standing of each */
    struct ssp__random_pool *random; /* NULL: the kernel's */
    struct ss_upstream *first;
    struct ss_upstream *retired; /* a reload has left them out, and sessions have them still */
    struct ss_instance *client;  /* list of those that have it */
    unsigned made;
    size_t state_room; /* of the codecs that its servers may have; 0: not known yet */
    bool spread;       /* addresses of one server, as shadowsocks-libev spreads them */
    bool started;
};

/* ---- the plan ---- */

static uint32_t draw(const struct ss_upstreams *set)
{
    const ssp_world *kernel = ssp_world_real();
    uint32_t number;
    if (set->random != NULL)
        ssp__random_pool_take(set->random, &number, sizeof number);
    else
        kernel->random(kernel->arg, &number, sizeof number);
    return number;
}

struct ss_standing ss_upstreams_standing(const struct ss_upstream *u)
{
    (void)pthread_mutex_lock(&u->set->lock);
    struct ss_standing standing = u->standing;
    (void)pthread_mutex_unlock(&u->set->lock);
    return standing;
}

static struct ss_upstream *choose_locked(const struct ss_upstreams *set, bool packets,
                                         uint64_t tried, bool *more)
{
    struct ss_upstream *chosen = NULL;
    struct ss_choice choice = {.made = false};
    uint32_t place = 0;
    *more = false;
    for (struct ss_upstream *u = set->first; u != NULL; u = u->next) {
        struct ss_standing standing = u->standing;
        if (!ss_upstream_usable(u, packets) || (u->bit & tried) != 0)
            continue;
        *more = choice.made;
        if (set->spread)
            standing.latency_ms = 0;
        bool alone = set->first->next == NULL;
        if (ss_choice_offer(&choice, &standing, alone ? 0 : draw(set),
                            set->spread && !alone ? draw(set) : place++))
            chosen = u;
    }
    return chosen;
}

/* Returns NULL when none can be used; more says whether others could be. */
static struct ss_upstream *choose(struct ss_upstreams *set, bool packets, uint64_t tried,
                                  bool *more)
{
    (void)pthread_mutex_lock(&set->lock);
    struct ss_upstream *u = choose_locked(set, packets, tried, more);
    (void)pthread_mutex_unlock(&set->lock);
    return u;
}

static void lead(struct ssp__plan *plan, struct ss_upstream *u, bool packets)
{
    plan->endpoint = ss_upstream_endpoint(u, packets);
    plan->endpoints = 1;
    plan->say_target = true;
    plan->way = &u->way;
}

bool ss_upstreams_plan(struct ss_upstreams *set, unsigned failed, struct ssp__plan *plan)
{
    bool more;
    struct ss_upstream *u = failed < TRIES_MAX ? choose(set, false, plan->tried, &more) : NULL;
    if (u == NULL)
        return false;
    lead(plan, u, false);
    plan->tried |= u->bit;
    plan->dial_ms = more ? PATIENCE_MS : 0;
    return true;
}

/* An association stays where it is: another server is another address to its peers. */
bool ss_upstreams_plan_packet(struct ss_upstreams *set, const struct ssp__plan_query *query,
                              struct ssp__plan *plan)
{
    struct ss_upstream *u = query->way != NULL ? query->way->arg : NULL;
    bool more, stays = u != NULL && !u->retired && ss_upstream_usable(u, true) &&
                       (query->target == NULL || ss_upstreams_standing(u).failures < TOLD_FAILURES);
    struct ss_upstream *other = stays ? NULL : choose(set, true, 0, &more);
    u = other != NULL ? other : u != NULL && u->retired ? NULL : u;
    if (u == NULL)
        return false;
    lead(plan, u, true);
    return true;
}

/* ---- what becomes of the connections ---- */

/* The only server needs no line of its own. */
static void tell(const struct ss_upstream *u, const char *news)
{
    char where[SSP_HOST_MAX + 8];
    ssp__endpoint_format(&u->conf.server[0], where, sizeof where);
    if (u->set->first->next != NULL && !u->retired)
        ssp_info("server %s %s", where, news);
}

static void note(void *arg, enum ssp__way_event event, unsigned ms)
{
    struct ss_upstream *u = arg;
    if (event == SSP_WAY_LEFT) {
        if (u->retired)
            ssp__loop_post(u->set->process->program.loop, &u->left);
        return;
    }
    (void)pthread_mutex_lock(&u->set->lock);
    unsigned before = u->standing.failures;
    if (event == SSP_WAY_ANSWERED)
        ss_standing_answer(&u->standing, ms);
    else
        ss_standing_fail(&u->standing);
    bool fails = u->standing.failures >= TOLD_FAILURES;
    (void)pthread_mutex_unlock(&u->set->lock);
    if (fails != (before >= TOLD_FAILURES))
        tell(u, fails ? "does not answer: others are preferred" : "answers again");
}

/* ---- plugins ---- */

static bool any_up(const struct ss_upstreams *set)
{
    const struct ss_upstream *u = set->first;
    while (u != NULL && !ss_upstream_up(u))
        u = u->next;
    return u != NULL;
}

/* False when every plugin has died for good. */
static bool any_alive(const struct ss_upstreams *set)
{
    const struct ss_upstream *u = set->first;
    while (u != NULL && u->dead)
        u = u->next;
    return u != NULL;
}

void ss_upstreams_report(struct ss_instance *i)
{
    bool up = any_up(i->upstreams), usable = false;
    for (struct ss_upstream *u = i->upstreams->first; u != NULL; u = u->next)
        usable = usable || ss_upstream_usable(u, false) || !u->tcp;
    ssp__instance_pause(&i->relay, !usable);
    if (up)
        ss_instance_ready(i);
}

static void plugin_event(void *arg, enum ss_plugin_event event)
{
    struct ss_upstream *u = arg;
    struct ss_upstreams *set = u->set;
    u->dead = event == SS_PLUGIN_DIED;
    bool over = u->dead && !u->retired && !any_alive(set);
    if (u->dead && !over)
        tell(u, "is left out: its plugin has died");
    for (struct ss_instance *i = set->client, *next; i != NULL; i = next) {
        next = i->next;
        if (over) {
            ss_instance_fail(i);
            continue;
        }
        if (event != SS_PLUGIN_READY)
            ssp__sessions_note_death(&i->relay);
        if (event == SS_PLUGIN_DOWN)
            ss_instance_started(i);
        ss_upstreams_report(i);
    }
}

static const struct ss_upstream *behind(const struct ss_upstream *u, uint16_t port)
{
    while (u != NULL && (u->plugin.host == NULL || u->plugin.hop.port != port))
        u = u->next;
    return u;
}

/* The port says which plugin it is; an earlier one had another. */
static enum ssp__liveness plugin_liveness(const void *arg, uint16_t port)
{
    const struct ss_upstreams *set = arg;
    const struct ss_upstream *u = behind(set->first, port);
    if (u == NULL)
        u = behind(set->retired, port);
    return u != NULL ? ss_plugin_liveness(&u->plugin) : SSP_DEAD;
}

/* An array of addresses has the plugin of one of them. */
static int start(struct ss_upstreams *set, struct ss_upstream *u, const char **announced)
{
    bool plugin = ss_upstream_plugged(u) || u->inlined != NULL;
    if (plugin && (*announced == NULL || strcmp(*announced, u->conf.plugin) != 0))
        ss_plugin_announce(&u->conf);
    *announced = plugin ? u->conf.plugin : NULL;
    u->plugin.on_event = plugin_event;
    u->plugin.arg = u;
    return ss_upstream_start(u, set->process->program.loop);
}

int ss_upstreams_start(struct ss_upstreams *set)
{
    const char *announced = NULL;
    for (struct ss_upstream *u = set->first; u != NULL && !set->started; u = u->next) {
        u->dead = start(set, u, &announced) == -1;
        if (u->dead)
            tell(u, "is left out: its plugin does not start");
    }
    set->started = true;
    return any_alive(set) ? 0 : -1;
}

/* ---- the set ---- */

static struct ss_upstream *make(struct ss_upstreams *set, const struct ss_conf *conf, unsigned at)
{
    struct ss_upstream *u =
        ss_upstream_new(conf, at, set->program, set->first, set->process->secret);
    if (u == NULL)
        return NULL;
    u->set = set;
    u->bit = UINT64_C(1) << set->made++ % BITS;
    u->way.note = note;
    u->way.arg = u;
    return u;
}

static void tell_left_out(const struct ssp__endpoint *server, const char *why)
{
    char where[SSP_HOST_MAX + 8];
    ssp__endpoint_format(server, where, sizeof where);
    ssp_info("server %s of the list is left out: %s", where, why);
}

/* At the end, which is the last to be chosen among equals.  A list of others is not refused for one
 * of its servers. */
static int append(struct ss_upstreams *set, const struct ss_conf *conf, unsigned at)
{
    struct ss_upstream *u = make(set, conf, at), **link = &set->first;
    if (u == NULL && conf->fetched)
        tell_left_out(&conf->server[at], "it cannot be used");
    while (*link != NULL)
        link = &(*link)->next;
    *link = u;
    return u != NULL || conf->fetched ? 0 : -1;
}

static int append_all(struct ss_upstreams *set, const struct ss_conf *conf)
{
    for (unsigned at = 0; at < conf->servers; at++) {
        if (append(set, conf, at) == -1)
            return -1;
    }
    return 0;
}

static void free_list(struct ss_upstream *u)
{
    while (u != NULL) {
        struct ss_upstream *next = u->next;
        ssp__timer_stop(&u->leaving);
        ssp__loop_unpost(u->set->process->program.loop, &u->left);
        ss_upstream_free(u);
        u = next;
    }
}

static void set_free(struct ss_upstreams *set)
{
    struct ss_upstreams **link = &set->process->upstreams;
    while (*link != NULL && *link != set)
        link = &(*link)->next;
    if (*link != NULL)
        *link = set->next;
    for (struct ss_upstream *u = set->first; u != NULL; u = u->next)
        ss_plugin_begin_stop(&u->plugin);
    free_list(set->first);
    free_list(set->retired);
    ssp__random_pool_free(set->random);
    (void)pthread_mutex_destroy(&set->lock);
    free(set);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* A reload may bring a server of any method, and plugins as they are now. */
static void make_room(struct ss_upstreams *set)
{
    const struct ss_method *m;
    for (size_t i = 0; (m = ss_method_at(i)) != NULL; i++)
        set->state_room = larger(set->state_room, m->codec->state_size);
    for (const struct ss_upstream *u = set->first; u != NULL; u = u->next)
        set->state_room = larger(set->state_room, u->way.codec->state_size);
}

static struct ss_upstreams *set_new(struct ss_instance *i, const struct ss_conf *conf)
{
    struct ss_upstreams *set = calloc(1, sizeof *set);
    if (set == NULL) {
        ssp_error("servers: out of memory");
        return NULL;
    }
    *set = (struct ss_upstreams){.next = i->process->upstreams,
                                 .process = i->process,
                                 .conf = conf,
                                 .program = i->program,
                                 .random = ssp__random_pool_new(),
                                 .spread = conf->upstreams == 0 && conf->servers > 1};
    (void)pthread_mutex_init(&set->lock, NULL); /* which cannot fail here */
    int rc = conf->upstreams == 0 ? append_all(set, conf) : 0;
    for (size_t k = 0; k < conf->upstreams && rc == 0; k++) {
        rc = append_all(set, &conf->upstream[k]);
        ss_conf_forget_key(&conf->upstream[k]);
    }
    make_room(set);
    if (set->first != NULL && rc == 0)
        return i->process->upstreams = set;
    if (rc == 0)
        ssp_error("servers: none of the list can be used");
    set_free(set);
    return NULL;
}

int ss_upstreams_join(struct ss_instance *i)
{
    const struct ss_conf *conf = i->conf->whole != NULL ? i->conf->whole : i->conf;
    struct ss_upstreams *set = i->process->upstreams;
    while (set != NULL && set->conf != conf)
        set = set->next;
    if (set == NULL)
        set = set_new(i, conf);
    ss_conf_forget_key(i->conf);
    if (set == NULL)
        return -1;
    i->upstreams = set;
    i->next = set->client;
    set->client = i;
    return 0;
}

void ss_upstreams_leave(struct ss_instance *i)
{
    struct ss_upstreams *set = i->upstreams;
    if (set == NULL)
        return;
    struct ss_instance **link = &set->client;
    while (*link != i)
        link = &(*link)->next;
    *link = i->next;
    i->upstreams = NULL;
    if (set->client == NULL)
        set_free(set);
}

/* ---- a reload ---- */

/* The next server that comes with conf; NULL at the end.  The addresses of an
 * array are a server each. */
static const struct ss_conf *nth(const struct ss_conf *conf, size_t n, unsigned *at)
{
    const struct ss_conf *one = conf->upstreams > 0 ? conf->upstream : conf;
    size_t confs = conf->upstreams > 0 ? conf->upstreams : 1;
    for (size_t i = 0; i < confs; n -= one[i++].servers) {
        *at = (unsigned)n;
        if (n < one[i].servers)
            return &one[i];
    }
    return NULL;
}

static struct ss_upstream *find_same(const struct ss_upstreams_change *change,
                                     const struct ss_conf *conf, unsigned at)
{
    struct ss_upstream *u = change->set->first;
    while (u != NULL && (u->stays || !ss_upstream_same(u, conf, at, change->set->process->secret)))
        u = u->next;
    return u;
}

/* Why a new server cannot be used before a restart, or at all: then there is a log line, and the
 * reason is empty.  NULL: it can be. */
static const char *obstacle(const struct ss_upstreams *set, const struct ss_upstream *u)
{
    if (u == NULL)
        return "";
    if (ss_upstream_plugged(u))
        return "a server is new, or has another plugin, and a plugin can be started at the start "
               "only: restart the program";
    if (u->way.codec->state_size > set->state_room)
        return "no server had a plugin inside of the program at the start, and one has now: "
               "restart the program";
    return NULL;
}

/* The list of a provider that has changed is not refused for one of its servers. */
static const char *add_next(struct ss_upstreams_change *change, const struct ss_conf *conf,
                            unsigned at)
{
    struct ss_upstream *u = find_same(change, conf, at), **grown;
    bool fresh = u == NULL;
    if (fresh)
        u = make(change->set, conf, at);
    const char *why = fresh ? obstacle(change->set, u) : NULL;
    if (why != NULL && conf->fetched) {
        tell_left_out(&conf->server[at], *why != '\0' ? why : "it cannot be used");
        ss_upstream_free(u);
        return NULL;
    }
    if (u == NULL)
        return why;
    grown = reallocarray(change->next, change->n + 1, sizeof(struct ss_upstream *));
    if (grown == NULL) {
        if (fresh)
            ss_upstream_free(u);
        return "servers: out of memory";
    }
    change->next = grown;
    change->next[change->n++] = u;
    u->stays = !fresh;
    return why;
}

const char *ss_upstreams_prepare(struct ss_upstreams_change *change, struct ss_process *process,
                                 struct ss_conf *conf)
{
    unsigned at;
    const struct ss_conf *one;
    const char *why = NULL;
    bool packets = false;
    *change = (struct ss_upstreams_change){.set = process->upstreams};
    if (change->set == NULL)
        return NULL;
    change->former = change->set->conf;
    for (size_t i = 0; why == NULL && (one = nth(conf, i, &at)) != NULL; i++)
        why = add_next(change, one, at);
    for (size_t i = 0; i < change->n; i++)
        packets = packets || change->next[i]->udp;
    if (why == NULL && change->n == 0)
        why = "none of its servers can be used before a restart";
    if (why == NULL && packets != ss_upstreams_take_packets(change->set))
        why = "whether packets are relayed has changed: restart the program";
    ss_conf_forget_key(conf);
    change->set->conf = conf;
    return why;
}

void ss_upstreams_abort(struct ss_upstreams_change *change)
{
    for (size_t i = 0; i < change->n; i++) {
        if (!change->next[i]->stays)
            ss_upstream_free(change->next[i]);
        else
            change->next[i]->stays = false;
    }
    if (change->set != NULL)
        change->set->conf = change->former;
    free(change->next);
    *change = (struct ss_upstreams_change){.set = NULL};
}

static void look(void *arg)
{
    enum { LOOK_MS = 20 };
    struct ss_upstream *u = arg, **link = &u->set->retired;
    struct ssp__crew *crew = u->set->process->program.crew;
    if (u->plugin.host != NULL && ss_plugin_liveness(&u->plugin) != SSP_DEAD) {
        ss_plugin_begin_stop(&u->plugin);
        ssp__timer_start(u->set->process->program.loop, &u->leaving, LOOK_MS);
        return;
    }
    while (*link != u)
        link = &(*link)->next;
    *link = u->next;
    ssp__crew_hold(crew); /* a session has just left it */
    ss_upstream_free(u);
    ssp__crew_release(crew);
}

static void abandoned(void *arg)
{
    struct ss_upstream *u = arg;
    ssp__timer_start(u->set->process->program.loop, &u->leaving, 0);
}

static void retire(struct ss_upstreams *set, struct ss_upstream *u)
{
    u->retired = true;
    u->next = set->retired;
    set->retired = u;
    u->left = (struct ssp__post){.fire = abandoned, .arg = u};
    u->leaving = (struct ssp__timer){.fire = look, .arg = u};
    if (u->way.held == 0)
        ssp__timer_start(set->process->program.loop, &u->leaving, 0);
}

void ss_upstreams_commit(struct ss_upstreams_change *change)
{
    struct ss_upstreams *set = change->set;
    if (set == NULL)
        return;
    struct ss_upstream *former = set->first, *next;
    for (; former != NULL; former = next) {
        next = former->next;
        if (!former->stays)
            retire(set, former);
    }
    struct ss_upstream **link = &set->first;
    for (size_t i = 0; i < change->n; i++) {
        *link = change->next[i];
        (*link)->stays = false;
        link = &(*link)->next;
    }
    *link = NULL;
    set->spread = set->conf->upstreams == 0 && set->conf->servers > 1;
    free(change->next);
    *change = (struct ss_upstreams_change){.set = NULL};
    for (struct ss_instance *i = set->client; i != NULL; i = i->next)
        ss_upstreams_report(i);
}

/* ---- services ---- */

void ss_upstreams_serve(struct ss_upstreams *set, struct ssp__service *service)
{
    service->codec = set->first->keys->keys.method->codec; /* it runs by a way only */
    service->liveness = plugin_liveness;
    service->liveness_arg = set;
    service->state_room = set->state_room;
    const struct ss_method *m;
    for (size_t i = 0; (m = ss_method_at(i)) != NULL; i++)
        service->packet_state_room = larger(service->packet_state_room, m->packets->state_size);
}

void ss_upstreams_serve_packets(struct ss_upstreams *set, struct ssp__service *service)
{
    service->packets = set->first->way.packets;
}

bool ss_upstreams_take_packets(const struct ss_upstreams *set)
{
    const struct ss_upstream *u = set->first;
    while (u != NULL && !u->udp)
        u = u->next;
    return u != NULL;
}

void ss_upstreams_each(const struct ss_upstreams *set,
                       void (*visit)(void *arg, const struct ss_upstream *upstream), void *arg)
{
    for (const struct ss_upstream *u = set->first; u != NULL; u = u->next)
        visit(arg, u);
}
