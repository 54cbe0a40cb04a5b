/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/peer_limit.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 256, KEY_WORDS = 2 };

struct ssp__peer_limit_entry {
    struct ssp__peer_limit_entry *chain; /* next in its bucket */
    uint64_t word[KEY_WORDS];
    unsigned count; /* never 0 */
};

struct ssp__peer_limit {
    struct ssp__peer_limit_entry **bucket;
    size_t mask; /* buckets - 1 */
    size_t peers;
    uint64_t key[2];
};

/* An IPv4 client of a dual socket has an IPv6 address, and is the same peer. */
static void peer_words(uint64_t word[KEY_WORDS], const struct ssp__address *a)
{
    uint32_t v4 = a->u.v4.sin_addr.s_addr;
    word[0] = 1;
    if (a->u.any.sa_family == AF_INET6) {
        const uint8_t *bytes = a->u.v6.sin6_addr.s6_addr;
        word[0] = IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr) ? 1 : 2;
        memcpy(&v4, bytes + 12, sizeof v4);
        memcpy(&word[1], bytes, sizeof word[1]);
    }
    if (word[0] == 1)
        word[1] = v4;
}

static struct ssp__peer_limit_entry **link_of(struct ssp__peer_limit *c, const uint64_t *word)
{
    struct ssp__peer_limit_entry **link = &c->bucket[ssp__hash(c->key, word, KEY_WORDS) & c->mask];
    while (*link != NULL && memcmp((*link)->word, word, sizeof(*link)->word) != 0)
        link = &(*link)->chain;
    return link;
}

struct ssp__peer_limit *ssp__peer_limit_new(const ssp_world *world)
{
    struct ssp__peer_limit *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->mask = BUCKETS_MIN - 1;
    c->bucket = calloc(BUCKETS_MIN, sizeof(struct ssp__peer_limit_entry *));
    world->random(world->arg, c->key, sizeof c->key);
    if (c->bucket != NULL)
        return c;
    free(c);
    return NULL;
}

void ssp__peer_limit_free(struct ssp__peer_limit *c)
{
    if (c == NULL)
        return;
    free(c->bucket);
    free(c);
}

/* Twice the buckets; without memory for them, the chains get longer. */
static void grow(struct ssp__peer_limit *c)
{
    size_t old = c->mask + 1;
    struct ssp__peer_limit_entry **was = c->bucket,
                                 **bucket = calloc(2 * old, sizeof(struct ssp__peer_limit_entry *));
    if (bucket == NULL)
        return;
    c->bucket = bucket;
    c->mask = 2 * old - 1;
    for (size_t i = 0; i < old; i++) {
        for (struct ssp__peer_limit_entry *p = was[i], *next; p != NULL; p = next) {
            next = p->chain;
            struct ssp__peer_limit_entry **link = link_of(c, p->word);
            p->chain = NULL;
            *link = p;
        }
    }
    free(was);
}

struct ssp__peer_limit_entry *ssp__peer_limit_enter(struct ssp__peer_limit *c,
                                                    const struct ssp__address *peer, unsigned max)
{
    uint64_t word[KEY_WORDS];
    peer_words(word, peer);
    struct ssp__peer_limit_entry **link = link_of(c, word), *p = *link;
    if (p != NULL)
        return p->count < max ? p->count++, p : NULL;
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    memcpy(p->word, word, sizeof word);
    p->count = 1;
    *link = p;
    if (++c->peers > c->mask)
        grow(c);
    return p;
}

void ssp__peer_limit_leave(struct ssp__peer_limit *c, struct ssp__peer_limit_entry **peer)
{
    struct ssp__peer_limit_entry *p = *peer;
    *peer = NULL;
    if (p == NULL || --p->count > 0)
        return;
    *link_of(c, p->word) = p->chain;
    c->peers--;
    free(p);
}
