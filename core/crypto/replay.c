/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/replay.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MAX = 1 << 21, SLOTS_PER_MARK = 2 /* of a full ring */, FIRST_SLOTS = 1024 };

/* Linear probing: no free slot lies between a mark's home and its place. */
struct ss_replay {
    uint8_t key[crypto_shorthash_KEYBYTES]; /* const after creation */
    pthread_mutex_t lock;                   /* guards what follows */
    uint64_t *ring;                         /* marks in the order of their arrival */
    size_t capacity, count, next;           /* next: where the next mark goes, the oldest if full */
    uint32_t *slot;                         /* ring position + 1, or 0 when free */
    size_t mask;                            /* slots in use - 1; grows with count */
    uint64_t repeats;
};

struct ss_replay *ss_replay_new(size_t capacity)
{
    if (capacity == 0 || capacity > CAPACITY_MAX || (capacity & (capacity - 1)) != 0)
        return NULL;
    struct ss_replay *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    if (sodium_init() == -1 || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    crypto_shorthash_keygen(r->key);
    r->capacity = capacity;
    size_t slots = capacity * SLOTS_PER_MARK;
    r->mask = (slots < FIRST_SLOTS ? slots : FIRST_SLOTS) - 1;
    return r;
}

/* A server without clients, one of thousands, takes no memory for their salts. */
static bool reserve(struct ss_replay *r)
{
    if (r->ring == NULL)
        r->ring = calloc(r->capacity, sizeof *r->ring);
    if (r->slot == NULL)
        r->slot = calloc(r->capacity * SLOTS_PER_MARK, sizeof *r->slot);
    return r->ring != NULL && r->slot != NULL;
}

void ss_replay_free(struct ss_replay *r)
{
    if (r == NULL)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r->ring);
    free(r->slot);
    sodium_memzero(r->key, sizeof r->key);
    free(r);
}

uint64_t ss_replay_mark(const struct ss_replay *r, const uint8_t *salt, size_t n)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t mark;
    (void)crypto_shorthash(hash, salt, n, r->key);
    memcpy(&mark, hash, sizeof mark);
    return mark;
}

/* The slot of mark, or the free one where it would go. */
static size_t find(const struct ss_replay *r, uint64_t mark)
{
    size_t i = (size_t)mark & r->mask;
    while (r->slot[i] != 0 && r->ring[r->slot[i] - 1] != mark)
        i = (i + 1) & r->mask;
    return i;
}

/* Frees a slot and moves later marks of the same run up, so that no search stops too early. */
static void vacate(struct ss_replay *r, size_t hole)
{
    for (size_t i = (hole + 1) & r->mask; r->slot[i] != 0; i = (i + 1) & r->mask) {
        size_t home = (size_t)r->ring[r->slot[i] - 1] & r->mask;
        bool reaches_hole = ((i - home) & r->mask) >= ((i - hole) & r->mask);
        if (!reaches_hole)
            continue;
        r->slot[hole] = r->slot[i];
        hole = i;
    }
    r->slot[hole] = 0;
}

/* Doubles the slots in use when three quarters are taken.  They were reserved with the first mark,
 * so that this cannot fail; using them all from the start would touch a fresh page for nearly every
 * mark. */
static void grow(struct ss_replay *r)
{
    memset(r->slot, 0, (r->mask + 1) * sizeof *r->slot);
    r->mask = r->mask * 2 + 1;
    for (size_t i = 0; i < r->count; i++)
        r->slot[find(r, r->ring[i])] = (uint32_t)i + 1;
}

static void push(struct ss_replay *r, uint64_t mark)
{
    if (r->count == r->capacity)
        vacate(r, find(r, r->ring[r->next]));
    else if (r->count > r->mask - r->mask / 4)
        grow(r);
    r->count += r->count < r->capacity;
    size_t slot = find(r, mark);
    r->ring[r->next] = mark;
    r->slot[slot] = (uint32_t)r->next + 1;
    r->next = (r->next + 1) & (r->capacity - 1);
}

bool ss_replay_add(struct ss_replay *r, uint64_t mark)
{
    (void)pthread_mutex_lock(&r->lock);
    bool able = reserve(r), fresh = able && r->slot[find(r, mark)] == 0;
    if (fresh)
        push(r, mark);
    r->repeats += able && !fresh;
    (void)pthread_mutex_unlock(&r->lock);
    return fresh;
}

uint64_t ss_replay_repeats(struct ss_replay *r)
{
    (void)pthread_mutex_lock(&r->lock);
    uint64_t n = r->repeats;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}
