/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/assoc.h"

#include "base/hash.h"
#include "net/lookup.h"
#include "udp/answering.h"
#include "udp/dns_cache.h"
#include "udp/outgoing.h"
#include "udp/seats.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LISTENERS_MAX = 32, /* sockets toward clients */
    CLIENT_NAMES = 4,
    PLAN_NAMES = 16
};

struct ssp__assoc {
    struct ssp__seat seat; /* first */
    struct ssp__assocs *assocs;
    struct ssp__assoc *chain; /* next in its bucket */
    struct ssp__packet_key key;
    struct ssp__lease *lease;          /* NULL: none is needed */
    struct ssp__datagram *listener;    /* where the client's last packet came in, borrowed */
    struct ssp__address peer, reached; /* its two addresses: answers go from there to here */
    struct ssp__dns_cache names;       /* that the client has named */
    struct ssp__outgoing out;
    uint32_t allowance; /* bytes of answers until the address is known not to be forged */
    bool proven;        /* it is known */
    _Alignas(max_align_t) uint8_t state[]; /* the owner's */
};

struct listener {
    struct ssp__datagram socket;
    struct ssp__assocs *assocs;
};

struct ssp__assocs {
    struct ssp__assocs_conf conf;
    struct ssp__batch *batch; /* borrowed */
    struct listener listener[LISTENERS_MAX];
    unsigned listeners;
    struct ssp__answering *answering; /* NULL: not needed yet */
    uint64_t key[2];
    struct ssp__assoc **bucket; /* NULL: there has been no association yet */
    size_t mask;                /* buckets - 1 */
    struct ssp__seats seats;
    unsigned count;
    struct ssp__outgoings outgoing; /* the part that the sockets of all associations share */
    struct ssp__deadline idle;      /* of the one that has been idle for longest */
    struct ssp__dns_cache_conf client_names, plan_names;
    struct ssp__dns_cache names; /* that the plan has named */
    size_t waiting_bytes;        /* of packets whose names are being looked up */
};

/* ---- the table ---- */

struct ssp__packet_key ssp__assoc_key(const struct ssp__datagram *from,
                                      const struct ssp__packet *packet)
{
    const struct ssp__address *a = &packet->peer;
    struct ssp__packet_key key = {{(uintptr_t)from}};
    if (a->u.any.sa_family == AF_INET) {
        key.word[1] = (uint64_t)a->u.v4.sin_port << 32 | a->u.v4.sin_addr.s_addr;
        return key;
    }
    key.word[1] = UINT64_C(1) << 48 | (uint64_t)a->u.v6.sin6_port << 32 | a->u.v6.sin6_scope_id;
    memcpy(&key.word[2], &a->u.v6.sin6_addr, sizeof a->u.v6.sin6_addr);
    return key;
}

/* The link to the association, or to where a new one goes.  Without the table's key, a peer cannot
 * fill one bucket. */
static struct ssp__assoc **find(struct ssp__assocs *t, const struct ssp__packet_key *key)
{
    size_t hash = (size_t)ssp__hash(t->key, key->word, SSP_PACKET_KEY_WORDS);
    struct ssp__assoc **link = &t->bucket[hash & t->mask];
    while (*link != NULL && memcmp(&(*link)->key, key, sizeof *key) != 0)
        link = &(*link)->chain;
    return link;
}

struct ssp__assoc *ssp__assoc_find(struct ssp__assocs *t, const struct ssp__packet_key *key)
{
    return t->bucket != NULL ? *find(t, key) : NULL;
}

/* ---- the seats ---- */

static struct ssp__assoc *in_seat(struct ssp__seat *seat)
{
    return (struct ssp__assoc *)(void *)seat; /* its first member */
}

static uint32_t source_of(const struct ssp__assocs *t, const struct ssp__address *peer)
{
    uint64_t source[SSP_SOURCE_WORDS];
    ssp__address_source(peer, source);
    return (uint32_t)ssp__hash(t->key, source, SSP_SOURCE_WORDS) & SSP_SEAT_SOURCE_MAX;
}

static void stays_active(struct ssp__assoc *a, enum ssp__seat_kind kind)
{
    ssp__seats_note(&a->assocs->seats, &a->seat, kind, ssp__loop_now_ms(a->assocs->conf.loop));
}

bool ssp__assoc_quiet(const struct ssp__assoc *a)
{
    return ssp__seat_quiet(&a->seat, ssp__loop_now_ms(a->assocs->conf.loop));
}

/* ---- one association ---- */

static void assoc_free(struct ssp__assoc *a)
{
    struct ssp__assocs *t = a->assocs;
    *find(t, &a->key) = a->chain;
    ssp__seats_leave(&t->seats, &a->seat);
    ssp__lease_unbind(a->lease);
    ssp__dns_cache_clear(&a->names);
    ssp__dns_cache_forget(&t->names, a);
    ssp__outgoing_close(&a->out);
    if (t->conf.close != NULL)
        t->conf.close(a->state);
    t->count--;
    free(a);
}

static void log_peer(const struct ssp__assoc *a, const char *what)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    if (!ssp_log_verbose())
        return;
    ssp__address_format(&a->peer, text, sizeof text);
    ssp_debug("udp: association of %s %s, %u in all", text, what, a->assocs->count);
}

void ssp__assoc_end(struct ssp__assoc *a)
{
    log_peer(a, "ends");
    assoc_free(a);
}

/* Activity does not move the deadline: it looks again when it is there. */
static void watch_idle(struct ssp__assocs *t)
{
    uint64_t now_ms = ssp__loop_now_ms(t->conf.loop);
    const struct ssp__seat *first = ssp__seats_longest_idle(&t->seats, now_ms);
    if (first != NULL)
        ssp__deadline_set(t->conf.loop, &t->idle,
                          now_ms - ssp__seat_idle_ms(first, now_ms) + t->conf.idle_ms);
}

static void expired(void *arg)
{
    struct ssp__assocs *t = arg;
    uint64_t now_ms = ssp__loop_now_ms(t->conf.loop);
    struct ssp__seat *seat;
    while ((seat = ssp__seats_longest_idle(&t->seats, now_ms)) != NULL &&
           ssp__seat_idle_ms(seat, now_ms) >= t->conf.idle_ms)
        ssp__assoc_end(in_seat(seat));
    watch_idle(t);
}

size_t ssp__assoc_size(size_t state_size)
{
    return sizeof(struct ssp__assoc) + state_size;
}

struct ssp__assoc *ssp__assoc_new(struct ssp__assocs *t, const struct ssp__packet_key *key,
                                  const struct ssp__address *peer, const void *state,
                                  struct ssp__lease *lease)
{
    uint64_t now_ms = ssp__loop_now_ms(t->conf.loop);
    uint32_t source = source_of(t, peer);
    if (t->count >= t->conf.max) {
        struct ssp__assoc *old =
            in_seat(ssp__seats_least_needed(&t->seats, source, t->conf.max, now_ms));
        log_peer(old, "has to go");
        assoc_free(old);
    }
    if (t->bucket == NULL)
        t->bucket = calloc(t->mask + 1, sizeof(struct ssp__assoc *));
    struct ssp__assoc *a =
        t->bucket != NULL ? calloc(1, ssp__assoc_size(t->conf.state_size)) : NULL;
    if (a == NULL)
        return NULL;
    a->assocs = t;
    a->key = *key;
    a->peer = *peer;
    a->seat.source = source & SSP_SEAT_SOURCE_MAX;
    a->lease = lease;
    a->proven = lease != NULL;
    if (lease != NULL)
        ssp__lease_bind(lease, peer, a);
    if (t->conf.state_size > 0)
        memcpy(a->state, state, t->conf.state_size);
    *find(t, key) = a;
    ssp__seats_join(&t->seats, &a->seat, SSP_UNANSWERED, now_ms);
    if (t->count++ == 0)
        watch_idle(t);
    return a;
}

void *ssp__assoc_state(struct ssp__assoc *a)
{
    return a->state;
}

static uint32_t allowance_for(size_t n)
{
    return n * SSP_ANSWERS_FACTOR > SSP_ANSWERS_MIN ? (uint32_t)n * SSP_ANSWERS_FACTOR
                                                    : SSP_ANSWERS_MIN;
}

uint16_t ssp__assoc_port(const struct ssp__assoc *a)
{
    return ssp__address_port(&a->peer);
}

void ssp__assoc_heard(struct ssp__assoc *a, struct ssp__datagram *from,
                      const struct ssp__packet *packet)
{
    bool first = a->listener == NULL, moved = !ssp__address_same(&a->peer, &packet->peer);
    a->proven = a->lease != NULL || !(first || moved);
    if (!a->proven)
        a->allowance = allowance_for(packet->len);
    a->listener = from;
    a->peer = packet->peer;
    a->seat.source = source_of(a->assocs, &a->peer) & SSP_SEAT_SOURCE_MAX;
    a->reached = packet->reached;
    if (first)
        log_peer(a, "begins");
}

static void answered(struct ssp__datagram *from, struct ssp__packet *packet)
{
    struct ssp__outgoing *out = ssp__outgoing_of(from);
    struct ssp__assoc *a = out->owner;
    const struct ssp__assocs_conf *conf = &a->assocs->conf;
    out->heard = true;
    conf->on_answered(conf->arg, a, packet, out->direct);
}

/* One target of several that refuses does not end the others. */
static void refused(struct ssp__datagram *from, const struct ssp__address *to, int error)
{
    const struct ssp__outgoing *out = ssp__outgoing_of(from);
    struct ssp__assoc *a = out->owner;
    const struct ssp__assocs_conf *conf = &a->assocs->conf;
    if (conf->on_refused != NULL)
        conf->on_refused(conf->arg, a, to, error, out->direct);
    if (a->seat.kind == SSP_UNANSWERED)
        ssp__assoc_end(a);
}

static const struct ssp__datagram_events outgoing_events = {answered, refused};

/* The bytes of the packet are in the room. */
static void send_to(const struct ssp__named_packet *p, const struct ssp__address *to)
{
    struct ssp__assoc *a = p->owner;
    ssp__outgoing_send(&a->out, &a->assocs->outgoing, p, to,
                       ssp__loop_now_ms(a->assocs->conf.loop));
}

static void unsent(const struct ssp__named_packet *p, const char *why)
{
    struct ssp__assoc *a = p->owner;
    const struct ssp__assocs_conf *conf = &a->assocs->conf;
    if (conf->on_unsent != NULL)
        conf->on_unsent(conf->arg, a,
                        &(struct ssp__unsent){.to = p->to,
                                              .bytes = p->bytes,
                                              .n = p->n,
                                              .header_len = p->header_len,
                                              .tos = p->tos,
                                              .direct = p->direct,
                                              .why = why});
}

/* Called outside of a turn, so that nothing else flushes the batch. */
static void named(const struct ssp__named_packet *packet, const struct ssp__address *to,
                  const char *why)
{
    struct ssp__assoc *a = packet->owner;
    struct ssp__named_packet p = *packet;
    char refusal[SSP_PERMIT_WHY_MAX];
    if (to == NULL || !ssp__permitted(&p.permit, p.to, to, refusal)) {
        unsent(packet, to == NULL ? why : refusal);
    } else {
        p.bytes = ssp__batch_room(a->assocs->batch);
        if (p.n > 0)
            memcpy(p.bytes, packet->bytes, p.n);
        send_to(&p, to);
    }
    ssp__batch_flush(a->assocs->batch);
}

void ssp__assoc_send(struct ssp__assoc *a, const struct ssp__assoc_route *route, uint8_t *bytes,
                     size_t n)
{
    struct ssp__assocs *t = a->assocs;
    struct ssp__dns_cache *names = route->chosen ? &t->names : &a->names;
    const struct ssp__named_packet p = {.owner = a,
                                        .to = route->to,
                                        .bytes = bytes,
                                        .n = n,
                                        .header_len = route->header_len,
                                        .tos = route->tos,
                                        .direct = route->direct,
                                        .local = route->local,
                                        .chosen = route->chosen,
                                        .permit = route->permit};
    char why[SSP_PERMIT_WHY_MAX];
    struct ssp__address to;
    stays_active(a, (enum ssp__seat_kind)a->seat.kind);
    bool known =
        ssp__endpoint_address(route->to, &to) || ssp__dns_cache_find(names, route->to, &to);
    if (!known)
        ssp__dns_cache_await(names, route->chosen ? &t->plan_names : &t->client_names, &p);
    else if (ssp__permitted(&route->permit, route->to, &to, why))
        send_to(&p, &to);
    else
        unsent(&p, why);
}

/* The socket that answers from an address of others, or NULL after a log line. */
static struct ssp__datagram *answering(struct ssp__assocs *t, const struct ssp__address *source)
{
    const struct ssp__answering_conf conf = {.loop = t->conf.loop,
                                             .batch = t->batch,
                                             .max = t->conf.max,
                                             .idle_ms = t->conf.idle_ms,
                                             .options = &t->conf.accepting,
                                             .key = t->key};
    if (t->answering == NULL)
        t->answering = ssp__answering_new(&conf);
    return t->answering != NULL ? ssp__answering_socket(t->answering, source) : NULL;
}

bool ssp__assoc_reply(struct ssp__assoc *a, const struct ssp__address *source, const uint8_t *bytes,
                      size_t n, uint8_t tos)
{
    if (!a->proven && n > a->allowance)
        return false;
    a->allowance -= a->proven ? 0 : (uint32_t)n;
    stays_active(a, SSP_ANSWERED);
    struct ssp__datagram *from = a->listener;
    struct ssp__route way = {.to = a->peer, .tos = tos};
    if (source->len == 0) {
        way.from = a->reached;
    } else {
        from = answering(a->assocs, source);
        ssp__address_unmap(&way.to);
    }
    if (from != NULL)
        ssp__datagram_send(from, &way, bytes, n);
    return true;
}

/* ---- all of them ---- */

struct ssp__assocs *ssp__assocs_new(const struct ssp__assocs_conf *conf)
{
    struct ssp__assocs *t = conf->batch != NULL ? calloc(1, sizeof *t) : NULL;
    size_t buckets = 1;
    if (t == NULL)
        return NULL;
    while (buckets < conf->max)
        buckets *= 2;
    t->conf = *conf;
    t->mask = buckets - 1;
    t->batch = conf->batch;
    t->outgoing = (struct ssp__outgoings){
        .batch = conf->batch, .options = &t->conf.outgoing, .events = &outgoing_events};
    t->idle = (struct ssp__deadline){.fire = expired, .arg = t};
    t->client_names = (struct ssp__dns_cache_conf){.loop = conf->loop,
                                                   .resolver = conf->resolver,
                                                   .max = CLIENT_NAMES,
                                                   .waiting_bytes = &t->waiting_bytes,
                                                   .on_named = named};
    t->plan_names = t->client_names;
    t->plan_names.max = PLAN_NAMES;
    conf->world->random(conf->world->arg, t->key, sizeof t->key);
    return t;
}

void ssp__assocs_free(struct ssp__assocs *t)
{
    if (t == NULL)
        return;
    for (struct ssp__seat *seat; (seat = ssp__seats_first(&t->seats)) != NULL;)
        assoc_free(in_seat(seat));
    for (unsigned i = 0; i < t->listeners; i++)
        ssp__datagram_close(&t->listener[i].socket);
    ssp__answering_free(t->answering);
    ssp__dns_cache_clear(&t->names);
    ssp__deadline_clear(&t->idle);
    free(t->bucket);
    free(t);
}

unsigned ssp__assocs_count(const struct ssp__assocs *t)
{
    return t->count;
}

uint8_t *ssp__assocs_room(struct ssp__assocs *t)
{
    return ssp__batch_room(t->batch);
}

static void asked(struct ssp__datagram *from, struct ssp__packet *packet)
{
    const struct listener *l =
        (struct listener *)((uint8_t *)from - offsetof(struct listener, socket));
    l->assocs->conf.on_asked(l->assocs->conf.arg, from, packet);
}

static const struct ssp__datagram_events listener_events = {asked, NULL};

int ssp__assocs_adopt(struct ssp__assocs *t, int fd)
{
    struct ssp__address bound = {.len = sizeof bound.u};
    struct listener *listener = &t->listener[t->listeners];
    bool full = t->listeners == LISTENERS_MAX;
    if (full || getsockname(fd, &bound.u.any, &bound.len) == -1) {
        int error = full ? EMFILE : errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    listener->assocs = t;
    if (ssp__datagram_open(&listener->socket, t->batch, fd, t->conf.accepting.mtu,
                           &listener_events) == -1)
        return -1;
    t->listeners++;
    if (t->conf.accepting.intercept != SSP_NO_INTERCEPT)
        listener->socket.own_port = ssp__address_port(&bound);
    return ssp__address_port(&bound);
}

/* Returns the port, or -1 with errno. */
static int listen_on(struct ssp__assocs *t, const struct ssp__address *a)
{
    int fd = ssp__datagram_bind(a, &t->conf.accepting);
    return fd == -1 ? -1 : ssp__assocs_adopt(t, fd);
}

int ssp__assocs_inherit(struct ssp__assocs *t, const struct ssp__assocs *other)
{
    for (unsigned i = 0; i < other->listeners; i++) {
        int fd = ssp__datagram_share(&other->listener[i].socket);
        if (fd == -1 || ssp__assocs_adopt(t, fd) == -1)
            return -1;
    }
    return 0;
}

void ssp__assocs_each_socket(const struct ssp__assocs *t, void (*visit)(void *arg, int fd),
                             void *arg)
{
    for (unsigned i = 0; i < t->listeners; i++)
        visit(arg, t->listener[i].socket.fd);
}

void ssp__assocs_mute(struct ssp__assocs *t)
{
    for (unsigned i = 0; i < t->listeners; i++)
        ssp__datagram_mute(&t->listener[i].socket);
}

int ssp__assocs_listen(struct ssp__assocs *t, const struct ssp__endpoint *e, char *why,
                       size_t why_cap)
{
    struct ssp__address list[SSP_LOOKUP_MAX];
    int n = ssp__lookup(e, SOCK_DGRAM, list, why, why_cap), first = -1;
    for (int i = 0; i < n; i++) {
        char text[SSP_ADDRESS_TEXT_MAX];
        int port = listen_on(t, &list[i]);
        if (port == -1) {
            ssp__address_format(&list[i], text, sizeof text);
            int error = errno;
            (void)snprintf(why, why_cap, "udp %s: %s", text, strerror(error));
            errno = error;
            return -1;
        }
        first = i == 0 ? port : first;
    }
    return first;
}
