/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/assoc.h"

#include "base/hash.h"
#include "net/lookup.h"
#include "udp/dns_cache.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LISTENERS_MAX = 32, /* sockets toward clients */
    SHARE = 4,          /* a source has a quarter of the associations when there is no room */
    QUIET_MS = 5000     /* an answered client counts as active that long */
};

/* An association waits in the queue of its kind, the least recently active one first. */
enum kind { UNANSWERED, ANSWERED, KINDS };

struct ssp__assoc {
    struct ssp__assocs *assocs;
    struct ssp__assoc *chain;       /* next in its bucket */
    struct ssp__assoc *prev, *next; /* in its queue */
    enum kind kind;
    uint64_t active_ms;
    struct ssp__packet_key key;
    uint64_t source[SSP_SOURCE_WORDS]; /* of its first packet */
    struct ssp__datagram *listener;    /* where the client's last packet came in, borrowed */
    struct ssp__address peer, reached; /* its two addresses: answers go from there to here */
    struct outgoing {
        struct ssp__datagram *socket[2]; /* toward IPv4 and IPv6 targets; NULL: not needed yet */
        struct ssp__dns_cache *names;    /* NULL: not needed yet */
        struct ssp__assoc *assoc;
        bool local; /* as its first packet asked */
    } out[2];       /* through the codec, and direct */
    struct ssp__timer timer;
    _Alignas(max_align_t) uint8_t state[]; /* the owner's */
};

struct ssp__assocs {
    struct ssp__assocs_conf conf;
    struct ssp__batch *batch;
    struct ssp__datagram *listener[LISTENERS_MAX];
    unsigned listeners;
    uint64_t key[2];
    struct ssp__assoc **bucket;
    size_t mask; /* buckets - 1 */
    struct {
        struct ssp__assoc *first, *last;
    } queue[KINDS];
    unsigned count;
    size_t waiting_bytes; /* of packets whose names are being looked up */
    bool failing;         /* no socket could be opened; logged once */
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
    return *find(t, key);
}

/* ---- the queues ---- */

static void leave_queue(struct ssp__assoc *a)
{
    struct ssp__assocs *t = a->assocs;
    *(a->prev != NULL ? &a->prev->next : &t->queue[a->kind].first) = a->next;
    *(a->next != NULL ? &a->next->prev : &t->queue[a->kind].last) = a->prev;
}

static void join_queue(struct ssp__assoc *a, enum kind kind)
{
    struct ssp__assocs *t = a->assocs;
    a->kind = kind;
    a->prev = t->queue[kind].last;
    a->next = NULL;
    *(a->prev != NULL ? &a->prev->next : &t->queue[kind].first) = a;
    t->queue[kind].last = a;
}

static void stays_active(struct ssp__assoc *a, enum kind kind)
{
    leave_queue(a);
    join_queue(a, kind);
    a->active_ms = ssp__loop_now_ms(a->assocs->conf.loop);
    ssp__timer_start(a->assocs->conf.loop, &a->timer, a->assocs->conf.idle_ms);
}

static struct ssp__assoc *less_needed(const struct ssp__assocs *t, struct ssp__assoc *unanswered,
                                      struct ssp__assoc *answered)
{
    if (unanswered == NULL || answered == NULL)
        return unanswered != NULL ? unanswered : answered;
    bool quiet = ssp__loop_now_ms(t->conf.loop) - answered->active_ms >= QUIET_MS;
    return quiet && answered->active_ms < unanswered->active_ms ? answered : unanswered;
}

/* Chooses the association that makes room for a new one of that source: see assoc.h. */
static struct ssp__assoc *least_needed(const struct ssp__assocs *t, const uint64_t *source)
{
    struct ssp__assoc *own[KINDS] = {NULL};
    unsigned n = 0;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (struct ssp__assoc *a = t->queue[kind].first; a != NULL; a = a->next) {
            if (memcmp(a->source, source, sizeof a->source) != 0)
                continue;
            own[kind] = own[kind] != NULL ? own[kind] : a;
            n++;
        }
    }
    if (n > 0 && n >= t->conf.max / SHARE)
        return less_needed(t, own[UNANSWERED], own[ANSWERED]);
    return less_needed(t, t->queue[UNANSWERED].first, t->queue[ANSWERED].first);
}

/* ---- one association ---- */

static void assoc_free(struct ssp__assoc *a)
{
    struct ssp__assocs *t = a->assocs;
    *find(t, &a->key) = a->chain;
    leave_queue(a);
    ssp__timer_stop(&a->timer);
    for (struct outgoing *out = a->out; out < a->out + 2; out++) {
        ssp__dns_cache_free(out->names);
        ssp__datagram_close(out->socket[0]);
        ssp__datagram_close(out->socket[1]);
    }
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

static void expired(void *arg)
{
    struct ssp__assoc *a = arg;
    log_peer(a, "ends");
    assoc_free(a);
}

struct ssp__assoc *ssp__assoc_new(struct ssp__assocs *t, const struct ssp__packet_key *key,
                                  const struct ssp__address *peer, const void *state)
{
    uint64_t source[SSP_SOURCE_WORDS];
    ssp__address_source(peer, source);
    if (t->count >= t->conf.max) {
        struct ssp__assoc *old = least_needed(t, source);
        log_peer(old, "has to go");
        assoc_free(old);
    }
    struct ssp__assoc *a = calloc(1, sizeof *a + t->conf.state_size);
    if (a == NULL)
        return NULL;
    a->assocs = t;
    a->key = *key;
    memcpy(a->source, source, sizeof source);
    a->timer = (struct ssp__timer){.fire = expired, .arg = a};
    if (t->conf.state_size > 0)
        memcpy(a->state, state, t->conf.state_size);
    *find(t, key) = a;
    join_queue(a, UNANSWERED);
    stays_active(a, UNANSWERED);
    t->count++;
    return a;
}

void *ssp__assoc_state(struct ssp__assoc *a)
{
    return a->state;
}

void ssp__assoc_heard(struct ssp__assoc *a, struct ssp__datagram *from,
                      const struct ssp__packet *packet)
{
    bool first = a->listener == NULL;
    a->listener = from;
    a->peer = packet->peer;
    a->reached = packet->reached;
    if (first)
        log_peer(a, "begins");
}

static void answered(void *arg, struct ssp__datagram *from, struct ssp__packet *packet)
{
    (void)from;
    const struct outgoing *out = arg;
    struct ssp__assoc *a = out->assoc;
    a->assocs->conf.on_answered(a->assocs->conf.arg, a, packet, out == &a->out[1]);
}

/* The socket of that family, or NULL. */
static struct ssp__datagram *socket_toward(struct outgoing *out, int family)
{
    static const struct ssp__socket_options none;
    struct ssp__assocs *t = out->assoc->assocs;
    struct ssp__datagram **socket = &out->socket[family == AF_INET6];
    if (*socket != NULL)
        return *socket;
    const char *why = NULL;
    int fd = ssp__datagram_outgoing(family, out->local ? &none : &t->conf.outgoing, &why);
    if (fd != -1)
        *socket = ssp__datagram_open(t->conf.loop, t->batch, fd, answered, out);
    if (*socket == NULL && !t->failing)
        ssp_error("udp: socket toward a target: %s", why != NULL ? why : strerror(errno));
    t->failing = *socket == NULL;
    return *socket;
}

static void send_to(struct outgoing *out, const struct ssp__address *to, const uint8_t *bytes,
                    size_t n)
{
    struct ssp__datagram *socket = socket_toward(out, to->u.any.sa_family);
    if (socket != NULL)
        ssp__datagram_send(socket, &(struct ssp__route){.to = *to}, bytes, n);
}

/* Called outside of a turn, so that nothing else flushes the batch. */
static void named(void *arg, const struct ssp__address *to, const uint8_t *bytes, size_t n)
{
    struct outgoing *out = arg;
    struct ssp__batch *batch = out->assoc->assocs->batch;
    uint8_t *room = ssp__batch_room(batch);
    if (n > 0)
        memcpy(room, bytes, n);
    send_to(out, to, room, n);
    ssp__batch_flush(batch);
}

static void send_by_name(struct outgoing *out, const struct ssp__endpoint *e, const uint8_t *bytes,
                         size_t n)
{
    struct ssp__assocs *t = out->assoc->assocs;
    struct ssp__address to;
    if (out->names == NULL)
        out->names =
            ssp__dns_cache_new(&(struct ssp__dns_cache_request){.loop = t->conf.loop,
                                                                .resolver = t->conf.resolver,
                                                                .waiting_bytes = &t->waiting_bytes,
                                                                .on_named = named,
                                                                .arg = out});
    if (out->names == NULL)
        return;
    if (ssp__dns_cache_find(out->names, e, &to))
        send_to(out, &to, bytes, n);
    else
        ssp__dns_cache_await(out->names, e, bytes, n);
}

void ssp__assoc_send(struct ssp__assoc *a, const struct ssp__assoc_route *route,
                     const uint8_t *bytes, size_t n)
{
    struct outgoing *out = &a->out[route->direct];
    struct ssp__address to;
    stays_active(a, a->kind);
    if (out->assoc == NULL)
        *out = (struct outgoing){.assoc = a, .local = route->local};
    if (ssp__endpoint_address(route->to, &to))
        send_to(out, &to, bytes, n);
    else
        send_by_name(out, route->to, bytes, n);
}

void ssp__assoc_reply(struct ssp__assoc *a, const uint8_t *bytes, size_t n)
{
    stays_active(a, ANSWERED);
    ssp__datagram_send(a->listener, &(struct ssp__route){.to = a->peer, .from = a->reached}, bytes,
                       n);
}

/* ---- all of them ---- */

struct ssp__assocs *ssp__assocs_new(const struct ssp__assocs_conf *conf)
{
    struct ssp__assocs *t = calloc(1, sizeof *t);
    size_t buckets = 1;
    if (t == NULL)
        return NULL;
    while (buckets < conf->max)
        buckets *= 2;
    t->conf = *conf;
    t->mask = buckets - 1;
    t->bucket = calloc(buckets, sizeof(struct ssp__assoc *));
    t->batch = ssp__batch_new();
    conf->world->random(conf->world->arg, t->key, sizeof t->key);
    if (t->bucket != NULL && t->batch != NULL)
        return t;
    ssp__assocs_free(t);
    return NULL;
}

void ssp__assocs_free(struct ssp__assocs *t)
{
    if (t == NULL)
        return;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (struct ssp__assoc *a = t->queue[kind].first, *next; a != NULL; a = next) {
            next = a->next;
            assoc_free(a);
        }
    }
    for (unsigned i = 0; i < t->listeners; i++)
        ssp__datagram_close(t->listener[i]);
    ssp__batch_free(t->batch);
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

/* Returns the port, or -1 with errno. */
static int listen_on(struct ssp__assocs *t, const struct ssp__address *a)
{
    struct ssp__address bound = {.len = sizeof bound.u};
    errno = EMFILE;
    int fd = t->listeners < LISTENERS_MAX ? ssp__datagram_bind(a, &t->conf.accepting) : -1;
    if (fd == -1)
        return -1;
    (void)getsockname(fd, &bound.u.any, &bound.len);
    struct ssp__datagram *listener =
        ssp__datagram_open(t->conf.loop, t->batch, fd, t->conf.on_asked, t->conf.arg);
    if (listener == NULL) {
        errno = ENOMEM;
        return -1;
    }
    t->listener[t->listeners++] = listener;
    return ssp__address_port(&bound);
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
