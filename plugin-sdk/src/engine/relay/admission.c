/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/admission.h"

#include "base/hash.h"
#include "net/daemon.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS_MIN = 256,
    TOTAL_MAX = 32768,  /* unauthenticated sessions, whatever the limit of descriptors */
    SOURCE_MIN = 64,    /* of one source: a browser opens many connections at once */
    SOURCE_MAX = 1024,  /* of one source: many users can share one address */
    RESERVE_MAX = 1024, /* descriptors that they leave to others */
    SHARE = 8           /* the reserve, and the part of one source, are an eighth */
};

struct source {
    struct source *chain; /* next in its bucket */
    uint64_t word[SSP_SOURCE_WORDS];
    unsigned count; /* never 0 */
    struct ssp__applicant *first, *last;
};

struct ssp__applicant {
    struct ssp__applicant *prev, *next;               /* of all, the oldest first */
    struct ssp__applicant *source_prev, *source_next; /* the same of its source */
    struct source *source;                            /* NULL: of none */
    void *owner;                                      /* borrowed */
    struct ssp__timer rest;
};

struct ssp__admission {
    struct source **bucket;
    size_t mask; /* buckets - 1 */
    size_t sources;
    uint64_t key[2];
    struct ssp__applicant *first, *last;
    unsigned count;
    unsigned files; /* limit of descriptors */
    unsigned parts; /* of it, and of what one source may have: this is one */
    struct ssp__slabs *slabs;
};

/* ---- sources ---- */

static struct source **link_of(const struct ssp__admission *a, const uint64_t *word)
{
    struct source **link = &a->bucket[ssp__hash(a->key, word, SSP_SOURCE_WORDS) & a->mask];
    while (*link != NULL && memcmp((*link)->word, word, sizeof(*link)->word) != 0)
        link = &(*link)->chain;
    return link;
}

/* Twice the buckets; without memory for them, the chains get longer. */
static void grow(struct ssp__admission *a)
{
    size_t old = a->mask + 1;
    struct source **was = a->bucket, **bucket = calloc(2 * old, sizeof(struct source *));
    if (bucket == NULL)
        return;
    a->bucket = bucket;
    a->mask = 2 * old - 1;
    for (size_t i = 0; i < old; i++) {
        for (struct source *s = was[i], *next; s != NULL; s = next) {
            next = s->chain;
            struct source **link = link_of(a, s->word);
            s->chain = NULL;
            *link = s;
        }
    }
    free(was);
}

/* The source of peer, a new one if need be; NULL when memory is out. */
static struct source *source_of(struct ssp__admission *a, const struct ssp__address *peer)
{
    uint64_t word[SSP_SOURCE_WORDS];
    ssp__address_source(peer, word);
    struct source **link = link_of(a, word), *s = *link;
    if (s != NULL)
        return s;
    s = ssp__slab_take(a->slabs, sizeof *s);
    if (s == NULL)
        return NULL;
    memcpy(s->word, word, sizeof word);
    *link = s;
    if (++a->sources > a->mask)
        grow(a);
    return s;
}

static void join_source(struct ssp__applicant *p, struct source *s)
{
    p->source = s;
    p->source_prev = s->last;
    *(s->last != NULL ? &s->last->source_next : &s->first) = p;
    s->last = p;
    s->count++;
}

static void leave_source(struct ssp__admission *a, struct ssp__applicant *p)
{
    struct source *s = p->source;
    *(p->source_prev != NULL ? &p->source_prev->source_next : &s->first) = p->source_next;
    *(p->source_next != NULL ? &p->source_next->source_prev : &s->last) = p->source_prev;
    if (--s->count > 0)
        return;
    *link_of(a, s->word) = s->chain;
    a->sources--;
    ssp__slab_give(a->slabs, s, sizeof *s);
}

/* ---- all of them ---- */

struct ssp__admission *ssp__admission_new(const ssp_world *world, struct ssp__slabs *slabs)
{
    struct ssp__admission *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->slabs = slabs;
    a->mask = BUCKETS_MIN - 1;
    a->parts = 1;
    a->bucket = calloc(BUCKETS_MIN, sizeof(struct source *));
    a->files = ssp__daemon_files();
    world->random(world->arg, a->key, sizeof a->key);
    if (a->bucket != NULL)
        return a;
    free(a);
    return NULL;
}

void ssp__admission_free(struct ssp__admission *a)
{
    if (a == NULL)
        return;
    free(a->bucket);
    free(a);
}

struct ssp__applicant *ssp__admission_enter(struct ssp__admission *a,
                                            const struct ssp__address *peer, void *owner)
{
    struct ssp__applicant *p = ssp__slab_take(a->slabs, sizeof *p);
    struct source *source = p != NULL && peer != NULL ? source_of(a, peer) : NULL;
    if (p == NULL || (peer != NULL && source == NULL)) {
        ssp__slab_give(a->slabs, p, sizeof *p);
        return NULL;
    }
    p->owner = owner;
    p->prev = a->last;
    *(a->last != NULL ? &a->last->next : &a->first) = p;
    a->last = p;
    a->count++;
    if (source != NULL)
        join_source(p, source);
    return p;
}

void ssp__admission_leave(struct ssp__admission *a, struct ssp__applicant **applicant)
{
    struct ssp__applicant *p = *applicant;
    *applicant = NULL;
    if (p == NULL)
        return;
    *(p->prev != NULL ? &p->prev->next : &a->first) = p->next;
    *(p->next != NULL ? &p->next->prev : &a->last) = p->prev;
    a->count--;
    if (p->source != NULL)
        leave_source(a, p);
    ssp__timer_stop(&p->rest);
    ssp__slab_give(a->slabs, p, sizeof *p);
}

/* ---- who ends ---- */

static unsigned within(unsigned n, unsigned min, unsigned max)
{
    return n < min ? min : n > max ? max : n;
}

static unsigned total_of(const struct ssp__admission *a)
{
    return within(a->files / 2, 1, TOTAL_MAX);
}

static unsigned part(const struct ssp__admission *a, unsigned n)
{
    return (n + a->parts - 1) / a->parts;
}

void ssp__admission_share(struct ssp__admission *a, unsigned n)
{
    a->parts = n;
}

void *ssp__admission_surplus_of(const struct ssp__admission *a, const struct ssp__address *peer,
                                unsigned per_source)
{
    uint64_t word[SSP_SOURCE_WORDS];
    ssp__address_source(peer, word);
    const struct source *source = *link_of(a, word);
    if (per_source == 0)
        per_source = within(total_of(a) / SHARE, SOURCE_MIN, SOURCE_MAX);
    return source != NULL && source->count >= part(a, per_source) ? source->first->owner : NULL;
}

void *ssp__admission_surplus(const struct ssp__admission *a)
{
    return a->count >= part(a, total_of(a)) ? ssp__admission_oldest(a) : NULL;
}

void *ssp__admission_oldest(const struct ssp__admission *a)
{
    return a->first != NULL ? a->first->owner : NULL;
}

/* The kernel gives the lowest free number: all below fd are taken. */
bool ssp__admission_few_left(const struct ssp__admission *a, int fd)
{
    unsigned reserve = within(a->files / SHARE, 1, RESERVE_MAX);
    return (unsigned)fd + reserve >= a->files;
}

void ssp__admission_refused(struct ssp__admission *a)
{
    a->files = ssp__daemon_files();
}

/* ---- the rate of what is dropped ---- */

void ssp__applicant_rest(ssp_loop *loop, struct ssp__applicant *p, unsigned ms,
                         void (*fire)(void *owner))
{
    p->rest.fire = fire;
    p->rest.arg = p->owner;
    ssp__timer_start(loop, &p->rest, ms);
}

bool ssp__applicant_rests(const struct ssp__applicant *p)
{
    return p != NULL && p->rest.lane != NULL;
}
