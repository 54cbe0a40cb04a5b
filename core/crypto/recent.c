/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/recent.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED_S = 60, FIRST_BUCKETS = 256 };

struct entry {
    uint8_t id[SS_RECENT_ID_MAX]; /* zeros behind the end */
    int64_t stamp, seen;
    uint64_t number;
    uint32_t next; /* of its chain: position + 1, or 0 */
    bool dead;     /* replaced: in no chain any more */
};

/* A ring in the order of arrival, and chains over it. */
struct ss_recent {
    uint8_t key[crypto_shorthash_KEYBYTES]; /* const after creation */
    pthread_mutex_t lock;                   /* guards what follows */
    struct entry *ring;
    uint32_t *bucket; /* position + 1 of the first of a chain, or 0 */
    size_t mask;      /* capacity - 1, of both */
    size_t spread;    /* buckets in use - 1; grows with count */
    size_t oldest, count;
    int64_t floor;
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
    crypto_shorthash_keygen(r->key);
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
    (void)pthread_mutex_destroy(&r->lock);
    free(r->ring);
    free(r->bucket);
    free(r);
}

static uint32_t *chain_of(struct ss_recent *r, const uint8_t id[SS_RECENT_ID_MAX])
{
    uint64_t hash;
    uint8_t bytes[crypto_shorthash_BYTES];
    (void)crypto_shorthash(bytes, id, SS_RECENT_ID_MAX, r->key);
    memcpy(&hash, bytes, sizeof hash);
    return &r->bucket[(size_t)hash & r->spread];
}

/* The link to the entry of that id, or the end of its chain. */
static uint32_t *find(struct ss_recent *r, const uint8_t id[SS_RECENT_ID_MAX])
{
    uint32_t *link = chain_of(r, id);
    while (*link != 0 && memcmp(r->ring[*link - 1].id, id, SS_RECENT_ID_MAX) != 0)
        link = &r->ring[*link - 1].next;
    return link;
}

static void unlink_entry(struct ss_recent *r, uint32_t *link)
{
    struct entry *e = &r->ring[*link - 1];
    *link = e->next;
    e->dead = true;
}

static void forget_oldest(struct ss_recent *r)
{
    struct entry *e = &r->ring[r->oldest];
    if (!e->dead)
        unlink_entry(r, find(r, e->id));
    if (e->stamp > r->floor)
        r->floor = e->stamp;
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
    uint32_t *link = chain_of(r, r->ring[at].id);
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

static struct entry entry_of(struct ss_recent_id id)
{
    struct entry e = {.stamp = 0};
    memcpy(e.id, id.bytes, id.n);
    return e;
}

bool ss_recent_add(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now)
{
    struct entry e = entry_of(id);
    e.stamp = stamp;
    e.seen = now;
    (void)pthread_mutex_lock(&r->lock);
    forget_old(r, now);
    bool fresh = stamp > r->floor && *find(r, e.id) == 0;
    if (fresh)
        push(r, &e);
    (void)pthread_mutex_unlock(&r->lock);
    return fresh;
}

void ss_recent_put(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now,
                   uint64_t number)
{
    struct entry e = entry_of(id);
    e.stamp = stamp;
    e.seen = now;
    e.number = number;
    (void)pthread_mutex_lock(&r->lock);
    forget_old(r, now);
    uint32_t *link = find(r, e.id);
    if (*link != 0)
        unlink_entry(r, link);
    push(r, &e);
    (void)pthread_mutex_unlock(&r->lock);
}

bool ss_recent_find(struct ss_recent *r, struct ss_recent_id id, int64_t now, uint64_t *number)
{
    struct entry e = entry_of(id);
    (void)pthread_mutex_lock(&r->lock);
    forget_old(r, now);
    uint32_t at = *find(r, e.id);
    if (at != 0)
        *number = r->ring[at - 1].number;
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
