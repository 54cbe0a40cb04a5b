/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/relay.h"

#include "net/daemon.h"

#include "base/io.h"
#include "udp/assoc.h"

#include <ssplugin/log.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MIN_MS = 10 * 1000, IDLE_MAX_MS = 24 * 3600 * 1000 };

struct ssp__udp {
    struct ssp__udp_conf conf;
    ssp_conn conn;
    struct ssp__assocs *assocs;
    struct ssp__counters own, *counters;
    bool broken;                      /* a broken rule has been logged */
    char refusal[SSP_PERMIT_WHY_MAX]; /* the rule against the packet under way */
    struct kept *fresh;               /* state of a client that has no association yet */
    void *scratch;                    /* the codec's */
};

/* The state of an association. */
struct kept {
    const struct ssp__packets *packets;
    struct ssp__way *way;              /* held; NULL: that of the service */
    struct ssp__access_record *record; /* owned; NULL: none is kept */
    _Alignas(max_align_t) uint8_t state[];
};

static size_t state_size(const struct ssp__service *service)
{
    size_t own = service->packets->state_size, room = service->packet_state_room;
    return sizeof(struct kept) + (own > room ? own : room);
}

static void close_kept(void *state)
{
    struct kept *kept = state;
    if (kept->packets->close != NULL)
        kept->packets->close(kept->state);
    ssp__way_leave(kept->way);
}

/* ---- the access log ---- */

static struct ssp__access_record *begin_record(const struct ssp__udp *u,
                                               const struct ssp__packet *packet,
                                               const struct ssp__packet_io *p)
{
    const struct ssp__service *service = u->conf.service;
    struct ssp__access_record *r = service->access_log != NULL ? calloc(1, sizeof *r) : NULL;
    if (r == NULL)
        return NULL;
    *r = (struct ssp__access_record){.log = service->access_log,
                                     .client = packet->peer,
                                     .packets = true,
                                     .targeted = service->packet_front != NULL,
                                     .began_ms = ssp__loop_now_ms(u->conf.program->loop)};
    if (r->targeted)
        r->target = p->target.endpoint;
    return r;
}

static void end_kept(void *state)
{
    struct kept *kept = state;
    struct ssp__access_record *r = kept->record;
    if (r != NULL) {
        r->user = kept->packets->user != NULL ? kept->packets->user(kept->state) : NULL;
        r->reason = "closed";
        r->log->note(r->log->arg, r);
        free(r);
    }
    close_kept(kept);
}

/* ---- one packet ---- */

static struct ssp__packet_io begin(const struct ssp__udp *u, const struct ssp__packet *packet)
{
    return (struct ssp__packet_io){.conn = &u->conn,
                                   .scratch = u->scratch,
                                   .front_conf = u->conf.service->packet_front_conf,
                                   .bytes = packet->bytes,
                                   .len = packet->len,
                                   .room = ssp__assocs_room(u->assocs) + SSP_DATAGRAM_HEADROOM,
                                   .cap = SSP_DATAGRAM_ROOM - SSP_DATAGRAM_HEADROOM,
                                   .from = &packet->peer,
                                   .reached = &packet->reached};
}

static void notify_traffic(const struct ssp__udp *u)
{
    if (u->conf.on_traffic != NULL)
        u->conf.on_traffic(u->conf.arg);
}

/* Any client can cause these lines. */
static void log_refusal(const struct ssp__udp *u, const struct ssp__endpoint *to, const char *why)
{
    char text[SSP_HOST_MAX + 8];
    if (!ssp__log_limit_take(u->conf.program->worker->failures))
        return;
    ssp__endpoint_format(to, text, sizeof text);
    ssp_error("%s: UDP to %s: %s", u->conf.service->name, text, why);
}

/* The author's mistake is logged once. */
static void rule_broken(struct ssp__udp *u, const char *rule)
{
    if (!u->broken)
        ssp_error("codec %s breaks a rule: %s", u->conf.service->codec->name, rule);
    u->broken = true;
}

static void dropped(struct ssp__udp *u, const struct ssp__packet_io *p)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    if (p->rule != NULL) {
        rule_broken(u, p->rule);
        return;
    }
    ssp__count(&u->counters->foreign, 1);
    notify_traffic(u);
    if (p->why == u->refusal)
        log_refusal(u, &p->target.endpoint, p->why);
    if (p->why == u->refusal || !ssp_log_verbose())
        return;
    ssp__address_format(p->from, text, sizeof text);
    ssp_debug("udp: packet from %s dropped: %s", text, p->why);
}

/* ---- limits ---- */

static struct ssp__bucket *bucket_of(struct kept *kept)
{
    bool known = kept != NULL && kept->packets->bucket != NULL;
    return known ? kept->packets->bucket(kept->state) : NULL;
}

/* False: the packet is dropped, as a network drops what is too much for it.  kept: NULL for a
 * client that is not known yet. */
static bool affords(const struct ssp__udp *u, struct kept *kept)
{
    struct ssp__bucket *own = u->conf.bucket, *user = bucket_of(kept);
    if (u->conf.allowance != NULL && ssp__allowance_spent(u->conf.allowance, u->counters))
        return false;
    if (!ssp__bucket_limits(own) && !ssp__bucket_limits(user))
        return true;
    uint64_t now = ssp__loop_now_ms(u->conf.program->loop);
    return (own == NULL || ssp__bucket_admits(own, now)) &&
           (user == NULL || ssp__bucket_admits(user, now));
}

static void count(const struct ssp__udp *u, struct kept *kept, bool up, size_t n)
{
    struct ssp__bucket *user = bucket_of(kept);
    ssp__count(up ? &u->counters->bytes_up : &u->counters->bytes_down, n);
    ssp__count(up ? &u->counters->packets_up : &u->counters->packets_down, 1);
    if (kept != NULL && kept->record != NULL) {
        *(up ? &kept->record->up : &kept->record->down) += n;
        kept->record->ended_ms = ssp__loop_now_ms(u->conf.program->loop);
    }
    if (ssp__bucket_limits(u->conf.bucket))
        ssp__bucket_take(u->conf.bucket, n);
    if (ssp__bucket_limits(user))
        ssp__bucket_take(user, n);
    notify_traffic(u);
}

/* ---- from a client ---- */

static int identify(const struct ssp__udp *u, struct ssp__packet_io *p, struct ssp__datagram *from,
                    const struct ssp__packet *packet, struct ssp__packet_key *key)
{
    const struct ssp__service *service = u->conf.service;
    if (service->coded == SSP_ACCEPTED && service->packets->identify != NULL)
        return service->packets->identify(p, key);
    *key = ssp__assoc_key(from, packet);
    return 0;
}

/* Without a target: for an answer.  query.why has SSP_PERMIT_WHY_MAX bytes. */
static bool ask_plan(const struct ssp__udp *u, const struct ssp__plan_query *query,
                     struct ssp__plan *plan)
{
    const struct ssp__service *service = u->conf.service;
    *plan = (struct ssp__plan){.coded = true};
    return service->plan(service->plan_arg, query, plan) && plan->endpoints > 0;
}

/* Shows the target header or hides it. */
static void set_header(struct ssp__packet_io *p, bool shown)
{
    size_t n = p->header_len;
    if (shown == p->bare) {
        p->bytes = shown ? p->bytes - n : p->bytes + n;
        p->len = shown ? p->len + n : p->len - n;
    }
    p->bare = !shown;
}

/* All packets of a client, from that port, go the same way. */
static void set_route(const struct ssp__udp *u, const struct ssp__packet_io *p, uint16_t port,
                      const struct ssp__plan *plan, struct ssp__assoc_route *route)
{
    struct ssp__address a;
    route->to = &plan->endpoint[port % plan->endpoints];
    route->direct = !plan->coded;
    route->chosen = plan->endpoint != &p->target.endpoint;
    route->local =
        route->chosen && ssp__endpoint_address(route->to, &a) && ssp__address_loopback(&a);
    route->permit = (struct ssp__permit){plan->permit, u->conf.service->plan_arg};
    route->header_len = plan->coded ? 0 : p->header_len;
}

/* An address is judged at once, those of a name when they are known. */
static bool permits(struct ssp__udp *u, struct ssp__assoc_route *route)
{
    struct ssp__address a;
    if (!ssp__endpoint_address(route->to, &a))
        return true;
    bool permitted = ssp__permitted(&route->permit, route->to, &a, u->refusal);
    route->permit = (struct ssp__permit){NULL, NULL};
    return permitted;
}

/* The codec of packets is the one that the association has. */
static const struct ssp__packets *code(struct ssp__udp *u, struct ssp__packet_io *p,
                                       struct kept *kept)
{
    const struct ssp__way *way = kept->way;
    u->conn.conf = way != NULL ? way->packets_conf : u->conf.service->packets_conf;
    p->scratch = way != NULL ? way->packets_scratch : u->scratch;
    p->state = kept->state;
    return kept->packets;
}

/* Another codec, which begins. */
static void go(const struct ssp__udp *u, struct kept *kept, struct ssp__way *way)
{
    if (way == kept->way)
        return;
    struct ssp__access_record *record = kept->record;
    ssp__way_hold(way);
    close_kept(kept);
    memset(kept, 0, state_size(u->conf.service));
    kept->record = record;
    kept->way = way;
    kept->packets = way != NULL ? way->packets : u->conf.service->packets;
}

/* Opens the packet, or seals it for the endpoint of its plan. */
static int take(struct ssp__udp *u, struct ssp__packet_io *p, struct kept *kept,
                struct ssp__assoc_route *route)
{
    const struct ssp__service *service = u->conf.service;
    const struct ssp__packet_front *front = service->packet_front;
    struct ssp__plan plan;
    if (service->coded == SSP_ACCEPTED && service->packets->open(p) == -1)
        return -1;
    if (front != NULL && front->asked(p) == -1)
        return -1;
    p->why = u->refusal;
    (void)snprintf(u->refusal, sizeof u->refusal, "refused by the plan");
    const struct ssp__plan_query query = {.occasion = SSP_ON_TARGET,
                                          .target = front != NULL ? &p->target : NULL,
                                          .why = u->refusal,
                                          .way = kept->way};
    if (!ask_plan(u, &query, &plan))
        return -1;
    if (service->coded == SSP_DIALED && plan.coded) /* answers to packets that went it may come */
        go(u, kept, plan.way);
    set_route(u, p, ssp__address_port(p->from), &plan, route);
    if (!permits(u, route))
        return -1;
    p->why = "no target yet";
    if (route->to->port == 0)
        return -1;
    if (front != NULL)
        set_header(p, plan.say_target);
    return service->coded == SSP_DIALED && plan.coded ? code(u, p, kept)->seal(p) : 0;
}

static bool quiet(const void *assoc)
{
    return ssp__assoc_quiet(assoc);
}

static void end_association(void *assoc)
{
    ssp__assoc_end(assoc);
}

/* The lease for an association to begin.  Returns false when it needs one, and has none. */
static bool find_lease(const struct ssp__udp *u, const struct ssp__address *client,
                       struct ssp__lease **lease)
{
    struct ssp__leases *leases = u->conf.service->leases;
    *lease = leases != NULL ? ssp__lease_find(leases, client, quiet) : NULL;
    return leases == NULL || *lease != NULL;
}

/* Takes the first packet of a client into a new association.  NULL: it is dropped. */
static struct ssp__assoc *begin_association(struct ssp__udp *u, struct ssp__packet_io *p,
                                            const struct ssp__packet *packet,
                                            const struct ssp__packet_key *key,
                                            struct ssp__assoc_route *route)
{
    struct ssp__lease *lease;
    struct ssp__assoc *assoc = NULL;
    memset(u->fresh, 0, state_size(u->conf.service));
    u->fresh->packets = u->conf.service->packets;
    p->state = u->fresh->state;
    p->why = "no connection of this client asks for UDP (UDP ASSOCIATE)";
    bool taken = find_lease(u, &packet->peer, &lease) && take(u, p, u->fresh, route) == 0;
    if (taken)
        assoc = ssp__assoc_new(u->assocs, key, &packet->peer, u->fresh, lease);
    if (assoc == NULL)
        close_kept(u->fresh);
    else
        ((struct kept *)ssp__assoc_state(assoc))->record = begin_record(u, packet, p);
    if (!taken)
        dropped(u, p);
    return assoc;
}

static void asked(void *arg, struct ssp__datagram *from, struct ssp__packet *packet)
{
    struct ssp__udp *u = arg;
    struct ssp__packet_io p = begin(u, packet);
    struct ssp__assoc_route route = {.tos = packet->tos};
    struct ssp__packet_key key;
    const struct ssp__service *service = u->conf.service;
    struct ssp__log_limit *refusals = u->conf.program->worker->refusals;
    if (service->admit != NULL && !service->admit(service->plan_arg, &packet->peer, refusals))
        return;
    if (identify(u, &p, from, packet, &key) == -1) {
        dropped(u, &p);
        return;
    }
    struct ssp__assoc *assoc = ssp__assoc_find(u->assocs, &key);
    if (!affords(u, assoc != NULL ? ssp__assoc_state(assoc) : NULL))
        return;
    if (assoc == NULL) {
        assoc = begin_association(u, &p, packet, &key, &route);
    } else {
        struct kept *kept = ssp__assoc_state(assoc);
        p.state = kept->state;
        if (take(u, &p, kept, &route) == -1) {
            dropped(u, &p);
            return;
        }
    }
    if (assoc == NULL)
        return;
    ssp__assoc_heard(assoc, from, packet);
    count(u, ssp__assoc_state(assoc), true,
          u->conf.service->coded == SSP_DIALED ? packet->len : p.len);
    ssp__assoc_send(assoc, &route, p.bytes, p.len);
}

/* No address of a name may be dialed around the codec: the packet goes through it, if the plan has
 * such a way. */
static void unsent(void *arg, struct ssp__assoc *assoc, const struct ssp__unsent *lost)
{
    static const struct ssp__address none;
    struct ssp__udp *u = arg;
    struct ssp__packet packet = {.bytes = lost->bytes, .len = lost->n};
    struct ssp__packet_io p = begin(u, &packet);
    struct ssp__assoc_route route = {.tos = lost->tos};
    struct ssp__plan plan;
    p.from = &none;
    struct kept *kept = ssp__assoc_state(assoc);
    p.target.endpoint = *lost->to;
    p.header_len = lost->header_len;
    p.bare = true;
    const struct ssp__plan_query query = {.occasion = SSP_ON_TARGET,
                                          .target = &p.target,
                                          .failed = true,
                                          .untried = true,
                                          .why = u->refusal,
                                          .way = kept->way};
    if (!lost->direct || !ask_plan(u, &query, &plan) || !plan.coded) {
        log_refusal(u, lost->to, lost->why);
        return;
    }
    go(u, kept, plan.way);
    set_route(u, &p, ssp__assoc_port(assoc), &plan, &route);
    set_header(&p, plan.say_target);
    if (code(u, &p, kept)->seal(&p) == 0)
        ssp__assoc_send(assoc, &route, p.bytes, p.len);
    else
        dropped(u, &p);
}

/* ---- to a client ---- */

/* The socket of an association receives packets of any peer: targets that clients name may answer
 * from other addresses, as behind a full cone, endpoints of the plan may not. */
static bool expected(const struct ssp__udp *u, const struct kept *kept,
                     const struct ssp__address *peer, bool direct)
{
    const struct ssp__service *service = u->conf.service;
    struct ssp__address known;
    struct ssp__plan plan;
    char why[SSP_PERMIT_WHY_MAX];
    bool named = service->packet_front != NULL && (direct || service->coded == SSP_ACCEPTED);
    bool found = named || kept->packets->authentic;
    const struct ssp__plan_query query = {.occasion = SSP_ON_TARGET, .why = why, .way = kept->way};
    if (found || !ask_plan(u, &query, &plan))
        return found;
    for (unsigned i = 0; i < plan.endpoints && !found; i++)
        found = plan.endpoint[i].named || (ssp__endpoint_address(&plan.endpoint[i], &known) &&
                                           ssp__address_same(&known, peer));
    return found;
}

static int give(struct ssp__udp *u, struct ssp__packet_io *p, struct kept *kept, bool direct)
{
    const struct ssp__service *service = u->conf.service;
    const struct ssp__packet_front *front = service->packet_front;
    const struct ssp__packets *packets = code(u, p, kept);
    p->bare = direct || service->coded == SSP_ACCEPTED;
    if (service->coded == SSP_DIALED && !direct && packets->open(p) == -1)
        return -1;
    if (front != NULL && front->answered(p) == -1)
        return -1;
    return service->coded == SSP_ACCEPTED ? packets->seal(p) : 0;
}

static void answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet, bool direct)
{
    struct ssp__udp *u = arg;
    struct ssp__packet_io p = begin(u, packet);
    struct kept *kept = ssp__assoc_state(assoc);
    if (!affords(u, kept))
        return;
    p.why = "not from the address that packets were sent to";
    if (!expected(u, kept, &packet->peer, direct) || give(u, &p, kept, direct) == -1) {
        dropped(u, &p);
        return;
    }
    p.why = "more than ten times of what an address sent that may be forged";
    if (!ssp__assoc_reply(assoc, &p.source, p.bytes, p.len, packet->tos)) {
        dropped(u, &p);
        return;
    }
    count(u, kept, false, u->conf.service->coded == SSP_DIALED ? p.len : packet->len);
}

/* Targets are the clients' business; a server that does not relay UDP is the user's. */
static void refused(void *arg, struct ssp__assoc *assoc, const struct ssp__address *to, int error,
                    bool direct)
{
    const struct ssp__udp *u = arg;
    const struct ssp__service *service = u->conf.service;
    char text[SSP_ADDRESS_TEXT_MAX];
    (void)assoc;
    ssp__address_format(to, text, sizeof text);
    bool server = service->coded == SSP_DIALED && !direct;
    if (server && ssp__log_limit_take(u->conf.program->worker->failures))
        ssp_error("%s: UDP to %s: %s (does UDP run there?)", service->name, text, strerror(error));
    else if (!server)
        ssp_debug("udp: %s: %s", text, strerror(error));
}

/* ---- all of it ---- */

/* Each may have two sockets: half of the descriptors are for others. */
static unsigned limit_of(const struct ssp__service *service)
{
    unsigned files = ssp__daemon_files() / 4, wanted = service->limits.associations;
    return files > 0 && files < wanted ? files : wanted;
}

static struct ssp__assocs *make_assocs(struct ssp__udp *u)
{
    const struct ssp__program *program = u->conf.program;
    const struct ssp__service *service = u->conf.service;
    unsigned idle = service->limits.idle_ms;
    return ssp__assocs_new(&(struct ssp__assocs_conf){.loop = program->loop,
                                                      .resolver = program->resolver,
                                                      .batch = ssp__worker_batch(program->worker),
                                                      .world = u->conn.world,
                                                      .max = limit_of(service),
                                                      .idle_ms = idle < IDLE_MIN_MS   ? IDLE_MIN_MS
                                                                 : idle > IDLE_MAX_MS ? IDLE_MAX_MS
                                                                                      : idle,
                                                      .accepting = service->accepted,
                                                      .outgoing = service->dialed,
                                                      .state_size = state_size(service),
                                                      .close = end_kept,
                                                      .on_asked = asked,
                                                      .on_answered = answered,
                                                      .on_refused = refused,
                                                      .on_unsent = unsent,
                                                      .arg = u});
}

struct ssp__udp *ssp__udp_open(const struct ssp__udp_conf *conf)
{
    struct ssp__udp *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->conf = *conf;
    u->counters = conf->counters != NULL ? conf->counters : &u->own;
    u->conn = (ssp_conn){.role = conf->service->role,
                         .conf = conf->service->packets_conf,
                         .world = &conf->program->worker->world};
    u->fresh = malloc(state_size(conf->service));
    u->scratch = calloc(1, conf->service->packets->scratch_size + 1);
    u->assocs = u->fresh != NULL && u->scratch != NULL ? make_assocs(u) : NULL;
    if (u->assocs != NULL && conf->service->leases != NULL)
        conf->service->leases->end = end_association;
    if (u->assocs != NULL)
        return u;
    ssp__udp_close(u);
    return NULL;
}

void ssp__udp_close(struct ssp__udp *u)
{
    if (u == NULL)
        return;
    ssp__assocs_free(u->assocs);
    if (u->scratch != NULL && u->conf.service->packets->release != NULL)
        u->conf.service->packets->release(u->scratch);
    free(u->scratch);
    free(u->fresh);
    free(u);
}

int ssp__udp_listen(struct ssp__udp *u, const struct ssp__endpoint *e, char *why, size_t why_cap)
{
    return ssp__assocs_listen(u->assocs, e, why, why_cap);
}

int ssp__udp_inherit(struct ssp__udp *u, const struct ssp__udp *other)
{
    return ssp__assocs_inherit(u->assocs, other->assocs);
}

int ssp__udp_adopt(struct ssp__udp *u, int fd)
{
    return ssp__assocs_adopt(u->assocs, fd) == -1 ? -1 : 0;
}

void ssp__udp_each_socket(const struct ssp__udp *u, void (*visit)(void *arg, int fd), void *arg)
{
    if (u != NULL)
        ssp__assocs_each_socket(u->assocs, visit, arg);
}

void ssp__udp_mute(struct ssp__udp *u)
{
    if (u != NULL)
        ssp__assocs_mute(u->assocs);
}

unsigned ssp__udp_live(const struct ssp__udp *u)
{
    return u != NULL ? ssp__assocs_count(u->assocs) : 0;
}

struct ssp__counters ssp__udp_counters(const struct ssp__udp *u)
{
    return u != NULL ? *u->counters : (struct ssp__counters){.bytes_up = 0};
}
