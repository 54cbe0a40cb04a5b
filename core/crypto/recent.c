/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/recent.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED_S = 60, FIRST_BUCKETS = 256 };

struct entry {
    uint8_t hash[SS_RECENT_HASH];
    int64_t stamp, seen;
    uint64_t number;
    uint32_t next; /* of its chain: position + 1, or 0 */
    bool dead;     /* replaced: in no chain any more */
    bool former;   /* of a process before: the number is not known */
};

/* A ring in the order of arrival, and chains over it. */
struct ss_recent {
    uint8_t key[SS_RECENT_KEY];            /* of the hashes; const after binding, as the next */
    const struct ss_recent_keeper *keeper; /* NULL: none */
    uint64_t name;                         /* of this ring, for the keeper */
    pthread_mutex_t lock;                  /* guards what follows */
    struct entry *ring;
    uint32_t *bucket; /* position + 1 of the first of a chain, or 0 */
    size_t mask;      /* capacity - 1, of both */
    size_t spread;    /* buckets in use - 1; grows with count */
    size_t oldest, count;
    int64_t floor;
    uint64_t era; /* of the keeper */
    uint64_t repeats;
};

struct ss_recent *ss_recent_new(size_t capacity, int64_t floor)
{
    struct ss_recent *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    if (sodium_init() == -1 || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    randombytes_buf(r->key, sizeof r->key);
    r->mask = capacity - 1;
    r->spread = r->mask < FIRST_BUCKETS ? r->mask : FIRST_BUCKETS - 1;
    r->floor = floor;
    r->ring = calloc(capacity, sizeof *r->ring);
    r->bucket = calloc(capacity, sizeof *r->bucket);
    if (r->ring != NULL && r->bucket != NULL)
        return r;
    ss_recent_free(r);
    return NULL;
}

void ss_recent_free(struct ss_recent *r)
{
    if (r == NULL)
        return;
    if (r->keeper != NULL && r->keeper->leave != NULL)
        r->keeper->leave(r->keeper->arg, r);
    (void)pthread_mutex_destroy(&r->lock);
    free(r->ring);
    free(r->bucket);
    sodium_memzero(r->key, sizeof r->key);
    free(r);
}

static uint32_t *chain_of(struct ss_recent *r, const uint8_t hash[SS_RECENT_HASH])
{
    uint64_t number;
    memcpy(&number, hash, sizeof number);
    return &r->bucket[(size_t)number & r->spread];
}

/* The link to the entry of that hash, or the end of its chain. */
static uint32_t *find(struct ss_recent *r, const uint8_t hash[SS_RECENT_HASH])
{
    uint32_t *link = chain_of(r, hash);
    while (*link != 0 && memcmp(r->ring[*link - 1].hash, hash, SS_RECENT_HASH) != 0)
        link = &r->ring[*link - 1].next;
    return link;
}

static void unlink_entry(struct ss_recent *r, uint32_t *link)
{
    struct entry *e = &r->ring[*link - 1];
    *link = e->next;
    e->dead = true;
}

static void raise_floor(struct ss_recent *r, int64_t stamp)
{
    r->floor = stamp > r->floor ? stamp : r->floor;
}

static void forget_oldest(struct ss_recent *r)
{
    struct entry *e = &r->ring[r->oldest];
    if (!e->dead)
        unlink_entry(r, find(r, e->hash));
    raise_floor(r, e->stamp);
    r->count--;
    /* A ring that is empty begins anew, so that a quiet server touches few pages. */
    r->oldest = r->count == 0 ? 0 : (r->oldest + 1) & r->mask;
}

/* Entries that were seen in the future are from before the clock stepped back, and stay. */
static void forget_old(struct ss_recent *r, int64_t now)
{
    while (r->count > 0 && now - r->ring[r->oldest].seen > REMEMBERED_S)
        forget_oldest(r);
}

static void link_entry(struct ss_recent *r, size_t at)
{
    uint32_t *link = chain_of(r, r->ring[at].hash);
    r->ring[at].next = *link;
    *link = (uint32_t)at + 1;
}

/* Doubles the buckets in use.  They were reserved at creation, so that this cannot fail; using them
 * all from the start would touch a fresh page for nearly every entry. */
static void grow(struct ss_recent *r)
{
    r->spread = 2 * r->spread + 1;
    memset(r->bucket, 0, (r->spread + 1) * sizeof *r->bucket);
    for (size_t i = 0; i < r->count; i++) {
        size_t at = (r->oldest + i) & r->mask;
        if (!r->ring[at].dead)
            link_entry(r, at);
    }
}

static void push(struct ss_recent *r, const struct entry *e)
{
    if (r->count > r->mask)
        forget_oldest(r);
    else if (r->count > r->spread && r->spread < r->mask)
        grow(r);
    size_t at = (r->oldest + r->count++) & r->mask;
    r->ring[at] = *e;
    link_entry(r, at);
}

/* Without the key, a hash does not tell the id. */
static struct entry entry_of(const struct ss_recent *r, struct ss_recent_id id, int64_t stamp,
                             int64_t now)
{
    struct entry e = {.stamp = stamp, .seen = now};
    (void)crypto_generichash(e.hash, sizeof e.hash, id.bytes, id.n, r->key, sizeof r->key);
    return e;
}

/* ---- over a restart ---- */

/* Returns whether it is kept. */
static bool keep(const struct ss_recent *r, const struct entry *e)
{
    struct ss_recent_kept kept = {.ring = r->name, .stamp = e->stamp, .seen = e->seen};
    memcpy(kept.hash, e->hash, sizeof kept.hash);
    return r->keeper != NULL && r->keeper->keep(r->keeper->arg, &kept);
}

/* The name of the ring is a hash, too: it does not tell the key. */
void ss_recent_bind(struct ss_recent *r, const struct ss_recent_keeper *keeper,
                    const uint8_t key[SS_RECENT_KEY], int64_t now)
{
    static const uint8_t ring[] = "ring";
    uint8_t hash[SS_RECENT_HASH];
    memcpy(r->key, key, sizeof r->key);
    (void)crypto_generichash(hash, sizeof hash, ring, sizeof ring, key, SS_RECENT_KEY);
    memcpy(&r->name, hash, sizeof r->name);
    r->keeper = keeper;
    r->floor = INT64_MIN;
    r->era = keeper->era(keeper->arg, now);
    raise_floor(r, keeper->load(keeper->arg, r->name, 0, r, now));
}

/* Takes what another process has kept, and keeps what was added while that was not possible. */
static void catch_up(struct ss_recent *r, int64_t now)
{
    const struct ss_recent_keeper *k = r->keeper;
    uint64_t era = k != NULL ? k->era(k->arg, now) : r->era;
    if (era == r->era)
        return;
    raise_floor(r, k->load(k->arg, r->name, r->era, r, now));
    r->era = era;
    bool kept = true;
    for (size_t i = 0; i < r->count && kept; i++) {
        const struct entry *e = &r->ring[(r->oldest + i) & r->mask];
        kept = e->dead || e->former || keep(r, e);
    }
}

/* A session was kept again and again; the last time counts. */
void ss_recent_restore(struct ss_recent *r, const struct ss_recent_kept *kept, int64_t now)
{
    struct entry e = {.stamp = kept->stamp, .seen = kept->seen, .former = true};
    memcpy(e.hash, kept->hash, sizeof e.hash);
    if (now - kept->seen > REMEMBERED_S) {
        raise_floor(r, kept->stamp);
        return;
    }
    uint32_t *link = find(r, e.hash);
    if (*link != 0 && r->ring[*link - 1].stamp >= e.stamp)
        return;
    if (*link != 0)
        unlink_entry(r, link);
    push(r, &e);
}

void ss_recent_learn(struct ss_recent *r, const struct ss_recent_kept *kept, int64_t now)
{
    (void)pthread_mutex_lock(&r->lock);
    forget_old(r, now);
    if (now - kept->seen <= REMEMBERED_S)
        ss_recent_restore(r, kept, now);
    (void)pthread_mutex_unlock(&r->lock);
}

/* ---- in the process ---- */

bool ss_recent_add(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now)
{
    struct entry e = entry_of(r, id, stamp, now);
    (void)pthread_mutex_lock(&r->lock);
    forget_old(r, now);
    catch_up(r, now);
    bool known = *find(r, e.hash) != 0, fresh = stamp > r->floor && !known;
    if (fresh) {
        push(r, &e);
        (void)keep(r, &e);
    }
    r->repeats += known;
    (void)pthread_mutex_unlock(&r->lock);
    return fresh;
}

void ss_recent_repeated(struct ss_recent *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->repeats++;
    (void)pthread_mutex_unlock(&r->lock);
}

uint64_t ss_recent_repeats(struct ss_recent *r)
{
    (void)pthread_mutex_lock(&r->lock);
    uint64_t n = r->repeats;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}

void ss_recent_put(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now,
                   uint64_t number)
{
    struct entry e = entry_of(r, id, stamp, now);
    e.number = number;
    (void)pthread_mutex_lock(&r->lock);
    forget_old(r, now);
    uint32_t *link = find(r, e.hash);
    if (*link != 0)
        unlink_entry(r, link);
    push(r, &e);
    (void)pthread_mutex_unlock(&r->lock);
}

void ss_recent_note(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now)
{
    if (r->keeper == NULL)
        return;
    const struct entry e = entry_of(r, id, stamp, now);
    (void)keep(r, &e);
}

bool ss_recent_find(struct ss_recent *r, struct ss_recent_id id, int64_t now,
                    struct ss_recent_session *session)
{
    const struct entry sought = entry_of(r, id, 0, now);
    (void)pthread_mutex_lock(&r->lock);
    forget_old(r, now);
    catch_up(r, now);
    uint32_t at = *find(r, sought.hash);
    const struct entry *e = at != 0 ? &r->ring[at - 1] : &sought;
    *session = (struct ss_recent_session){.number = e->number, .after = r->floor};
    if (e->former && e->stamp > r->floor)
        session->after = e->stamp;
    (void)pthread_mutex_unlock(&r->lock);
    return at != 0;
}

bool ss_recent_too_old(struct ss_recent *r, int64_t stamp)
{
    (void)pthread_mutex_lock(&r->lock);
    bool old = stamp <= r->floor;
    (void)pthread_mutex_unlock(&r->lock);
    return old;
}
