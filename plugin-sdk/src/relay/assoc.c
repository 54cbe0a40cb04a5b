/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/assoc.h"

#include "base/hash.h"
#include "relay/names.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DOORS_MAX = 32, /* sockets toward clients */
    KEY_WORDS = 3,  /* of a client address */
    QUIET_MS = 5000 /* an answered client counts as active that long */
};

/* An association waits in the queue of its kind, the least recently active one first. */
enum kind { UNANSWERED, ANSWERED, KINDS };

struct ssp_assoc {
    struct ssp_assocs *assocs;
    struct ssp_assoc *chain;       /* next in its bucket */
    struct ssp_assoc *prev, *next; /* in its queue */
    enum kind kind;
    uint64_t active_ms;
    struct ssp_datagram *door; /* which the client came through, borrowed */
    struct ssp_address peer;
    struct ssp_address reached;  /* by the client's last packet: answers come from there */
    struct ssp_datagram *out[2]; /* toward IPv4 and IPv6 targets; NULL: not needed yet */
    struct ssp_names *names;     /* NULL: not needed yet */
    struct ssp_timer timer;
};

struct ssp_assocs {
    struct ssp_assocs_conf conf;
    struct ssp_batch *batch;
    struct ssp_datagram *door[DOORS_MAX];
    unsigned doors;
    uint64_t key[2];
    struct ssp_assoc **bucket;
    size_t mask; /* buckets - 1 */
    struct {
        struct ssp_assoc *first, *last;
    } queue[KINDS];
    unsigned count;
    size_t waiting_bytes; /* of packets whose names are being looked up */
    bool failing;         /* no socket was to be had; said once */
};

/* ---- the table ---- */

static void address_words(uint64_t word[KEY_WORDS], const struct ssp_address *a)
{
    memset(word, 0, KEY_WORDS * sizeof word[0]);
    if (a->u.any.sa_family == AF_INET) {
        word[0] = (uint64_t)a->u.v4.sin_port << 32 | a->u.v4.sin_addr.s_addr;
        return;
    }
    word[0] = UINT64_C(1) << 48 | (uint64_t)a->u.v6.sin6_port << 32 | a->u.v6.sin6_scope_id;
    memcpy(word + 1, &a->u.v6.sin6_addr, sizeof a->u.v6.sin6_addr);
}

/* Without the key, nobody can aim at one bucket. */
static size_t bucket_of(const struct ssp_assocs *t, const struct ssp_address *peer)
{
    uint64_t word[KEY_WORDS];
    address_words(word, peer);
    return (size_t)ssp_hash(t->key, word, KEY_WORDS) & t->mask;
}

static bool same_peer(const struct ssp_address *a, const struct ssp_address *b)
{
    uint64_t left[KEY_WORDS], right[KEY_WORDS];
    address_words(left, a);
    address_words(right, b);
    return memcmp(left, right, sizeof left) == 0;
}

/* The link to the association, or to where a new one goes. */
static struct ssp_assoc **find(struct ssp_assocs *t, const struct ssp_datagram *door,
                               const struct ssp_address *peer)
{
    struct ssp_assoc **link = &t->bucket[bucket_of(t, peer)];
    while (*link != NULL && !((*link)->door == door && same_peer(&(*link)->peer, peer)))
        link = &(*link)->chain;
    return link;
}

/* ---- the queues ---- */

static void leave_queue(struct ssp_assoc *a)
{
    struct ssp_assocs *t = a->assocs;
    *(a->prev != NULL ? &a->prev->next : &t->queue[a->kind].first) = a->next;
    *(a->next != NULL ? &a->next->prev : &t->queue[a->kind].last) = a->prev;
}

static void join_queue(struct ssp_assoc *a, enum kind kind)
{
    struct ssp_assocs *t = a->assocs;
    a->kind = kind;
    a->prev = t->queue[kind].last;
    a->next = NULL;
    *(a->prev != NULL ? &a->prev->next : &t->queue[kind].first) = a;
    t->queue[kind].last = a;
}

static void stays_active(struct ssp_assoc *a, enum kind kind)
{
    leave_queue(a);
    join_queue(a, kind);
    a->active_ms = ssp_loop_now_ms(a->assocs->conf.loop);
    ssp_timer_start(a->assocs->conf.loop, &a->timer, a->assocs->conf.idle_ms);
}

/* Who has to go: see assoc.h. */
static struct ssp_assoc *least_needed(const struct ssp_assocs *t)
{
    struct ssp_assoc *unanswered = t->queue[UNANSWERED].first, *answered = t->queue[ANSWERED].first;
    if (unanswered == NULL || answered == NULL)
        return unanswered != NULL ? unanswered : answered;
    bool quiet = ssp_loop_now_ms(t->conf.loop) - answered->active_ms >= QUIET_MS;
    return quiet && answered->active_ms < unanswered->active_ms ? answered : unanswered;
}

/* ---- one association ---- */

static void assoc_free(struct ssp_assoc *a)
{
    struct ssp_assocs *t = a->assocs;
    *find(t, a->door, &a->peer) = a->chain;
    leave_queue(a);
    ssp_timer_stop(&a->timer);
    ssp_names_free(a->names);
    ssp_datagram_close(a->out[0]);
    ssp_datagram_close(a->out[1]);
    t->count--;
    free(a);
}

static void log_peer(const struct ssp_assoc *a, const char *what)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    if (!ssp_log_verbose())
        return;
    ssp_address_format(&a->peer, text, sizeof text);
    ssp_debug("udp: association of %s %s, %u in all", text, what, a->assocs->count);
}

static void expired(void *arg)
{
    struct ssp_assoc *a = arg;
    log_peer(a, "ends");
    assoc_free(a);
}

/* Returns the new one, or NULL when memory is out. */
static struct ssp_assoc *assoc_new(struct ssp_assocs *t, struct ssp_datagram *from,
                                   const struct ssp_address *peer)
{
    if (t->count >= t->conf.max) {
        struct ssp_assoc *old = least_needed(t);
        log_peer(old, "has to go");
        assoc_free(old);
    }
    struct ssp_assoc *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    *a = (struct ssp_assoc){
        .assocs = t, .door = from, .peer = *peer, .timer = {.fire = expired, .arg = a}};
    *find(t, from, peer) = a;
    join_queue(a, UNANSWERED);
    stays_active(a, UNANSWERED);
    t->count++;
    log_peer(a, "begins");
    return a;
}

struct ssp_assoc *ssp_assoc_of(struct ssp_assocs *t, struct ssp_datagram *from,
                               const struct ssp_packet *packet)
{
    struct ssp_assoc *a = *find(t, from, &packet->peer);
    if (a == NULL)
        a = assoc_new(t, from, &packet->peer);
    if (a != NULL)
        a->reached = packet->reached;
    return a;
}

static void answered(void *arg, struct ssp_datagram *from, struct ssp_packet *packet)
{
    (void)from;
    struct ssp_assoc *a = arg;
    a->assocs->conf.on_answered(a->assocs->conf.arg, a, packet);
}

/* The association's socket of that family, or NULL. */
static struct ssp_datagram *outgoing(struct ssp_assoc *a, int family)
{
    struct ssp_assocs *t = a->assocs;
    struct ssp_datagram **out = &a->out[family == AF_INET6];
    if (*out != NULL)
        return *out;
    const char *why = NULL;
    int fd = ssp_datagram_outgoing(family, &t->conf.outgoing, &why);
    if (fd != -1)
        *out = ssp_datagram_open(t->conf.loop, t->batch, fd, answered, a);
    if (*out == NULL && !t->failing)
        ssp_error("udp: socket toward a target: %s", why != NULL ? why : strerror(errno));
    t->failing = *out == NULL;
    return *out;
}

static void send_to(struct ssp_assoc *a, const struct ssp_address *to, const uint8_t *bytes,
                    size_t n)
{
    struct ssp_datagram *out = outgoing(a, to->u.any.sa_family);
    if (out != NULL)
        ssp_datagram_send(out, &(struct ssp_way){.to = *to}, bytes, n);
}

/* Outside of any turn, so that nobody else sends what waits. */
static void named(void *arg, const struct ssp_address *to, const uint8_t *bytes, size_t n)
{
    struct ssp_assoc *a = arg;
    uint8_t *room = ssp_batch_room(a->assocs->batch);
    if (n > 0)
        memcpy(room, bytes, n);
    send_to(a, to, room, n);
    ssp_batch_flush(a->assocs->batch);
}

static void send_by_name(struct ssp_assoc *a, const struct ssp_endpoint *e, const uint8_t *bytes,
                         size_t n)
{
    struct ssp_assocs *t = a->assocs;
    struct ssp_address to;
    if (a->names == NULL)
        a->names = ssp_names_new(&(struct ssp_names_request){.loop = t->conf.loop,
                                                             .resolver = t->conf.resolver,
                                                             .waiting_bytes = &t->waiting_bytes,
                                                             .on_named = named,
                                                             .arg = a});
    if (a->names == NULL)
        return;
    if (ssp_names_find(a->names, e, &to))
        send_to(a, &to, bytes, n);
    else
        ssp_names_await(a->names, e, bytes, n);
}

void ssp_assoc_send(struct ssp_assoc *a, const struct ssp_endpoint *e, const uint8_t *bytes,
                    size_t n)
{
    struct ssp_address to;
    stays_active(a, a->kind);
    if (ssp_address_parse(&to, e->host, e->port) == 0)
        send_to(a, &to, bytes, n);
    else
        send_by_name(a, e, bytes, n);
}

void ssp_assoc_reply(struct ssp_assoc *a, const uint8_t *bytes, size_t n)
{
    stays_active(a, ANSWERED);
    ssp_datagram_send(a->door, &(struct ssp_way){.to = a->peer, .from = a->reached}, bytes, n);
}

/* ---- all of them ---- */

struct ssp_assocs *ssp_assocs_new(const struct ssp_assocs_conf *conf)
{
    struct ssp_assocs *t = calloc(1, sizeof *t);
    size_t buckets = 1;
    if (t == NULL)
        return NULL;
    while (buckets < conf->max)
        buckets *= 2;
    t->conf = *conf;
    t->mask = buckets - 1;
    t->bucket = calloc(buckets, sizeof(struct ssp_assoc *));
    t->batch = ssp_batch_new();
    conf->world->random(conf->world->arg, t->key, sizeof t->key);
    if (t->bucket != NULL && t->batch != NULL)
        return t;
    ssp_assocs_free(t);
    return NULL;
}

void ssp_assocs_free(struct ssp_assocs *t)
{
    if (t == NULL)
        return;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (struct ssp_assoc *a = t->queue[kind].first, *next; a != NULL; a = next) {
            next = a->next;
            assoc_free(a);
        }
    }
    for (unsigned i = 0; i < t->doors; i++)
        ssp_datagram_close(t->door[i]);
    ssp_batch_free(t->batch);
    free(t->bucket);
    free(t);
}

unsigned ssp_assocs_count(const struct ssp_assocs *t)
{
    return t->count;
}

uint8_t *ssp_assocs_room(struct ssp_assocs *t)
{
    return ssp_batch_room(t->batch);
}

/* Returns the port, or -1 with errno. */
static int open_door(struct ssp_assocs *t, const struct ssp_address *a)
{
    struct ssp_address bound = {.len = sizeof bound.u};
    errno = EMFILE;
    int fd = t->doors < DOORS_MAX ? ssp_datagram_bind(a, &t->conf.accepting) : -1;
    if (fd == -1)
        return -1;
    (void)getsockname(fd, &bound.u.any, &bound.len);
    struct ssp_datagram *door =
        ssp_datagram_open(t->conf.loop, t->batch, fd, t->conf.on_asked, t->conf.arg);
    if (door == NULL) {
        errno = ENOMEM;
        return -1;
    }
    t->door[t->doors++] = door;
    return ssp_address_port(&bound);
}

int ssp_assocs_listen(struct ssp_assocs *t, const struct ssp_endpoint *e, char *why, size_t why_cap)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8], text[SSP_HOST_MAX + 8];
    int first = -1, opened = 0;
    (void)snprintf(port, sizeof port, "%u", e->port);
    ssp_endpoint_format(e, text, sizeof text);
    int rc = getaddrinfo(e->host, port, &hints, &list);
    if (rc != 0) {
        (void)snprintf(why, why_cap, "udp %s: %s", text, gai_strerror(rc));
        return -1;
    }
    for (const struct addrinfo *i = list; i != NULL && opened != -1; i = i->ai_next) {
        struct ssp_address a = {.len = i->ai_addrlen};
        memcpy(&a.u, i->ai_addr, i->ai_addrlen < sizeof a.u ? i->ai_addrlen : sizeof a.u);
        opened = open_door(t, &a);
        if (opened == -1)
            (void)snprintf(why, why_cap, "udp %s: %s", text, strerror(errno));
        first = first == -1 ? opened : first;
    }
    freeaddrinfo(list);
    return opened == -1 ? -1 : first;
}
