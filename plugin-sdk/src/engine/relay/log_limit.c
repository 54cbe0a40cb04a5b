/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/log_limit.h"

#include "base/hash.h"
#include <ssplugin/log.h>

#include <stdlib.h>

enum {
    BURST = 50,
    PER_SECOND = 10,
    SOURCE_MS = 10000, /* between two lines about one source */
    TELL_MS = 1000,    /* from the first line that is left out until their number is logged */
    WAYS = 4,          /* places that a source may take; the one of the oldest line goes */
    SOURCES = 256      /* remembered, a power of two */
};

struct source {
    uint64_t hash;
    uint64_t logged_ms; /* 0: no source */
};

struct ssp__log_limit {
    ssp_loop *loop;
    const char *what;
    uint64_t key[2];
    uint64_t tokens_ms; /* a line costs 1000 / PER_SECOND of them */
    uint64_t filled_ms;
    unsigned long left_out;
    struct ssp__timer tell;
    struct source source[SOURCES];
};

static void tell(void *arg)
{
    struct ssp__log_limit *l = arg;
    ssp_info("%lu more %s", l->left_out, l->what);
    l->left_out = 0;
}

struct ssp__log_limit *ssp__log_limit_new(ssp_loop *loop, const ssp_world *world, const char *what)
{
    struct ssp__log_limit *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->loop = loop;
    l->what = what;
    l->filled_ms = ssp__loop_now_ms(loop);
    l->tokens_ms = (uint64_t)BURST * 1000 / PER_SECOND;
    l->tell = (struct ssp__timer){.fire = tell, .arg = l};
    world->random(world->arg, l->key, sizeof l->key);
    return l;
}

void ssp__log_limit_free(struct ssp__log_limit *l)
{
    if (l == NULL)
        return;
    ssp__timer_stop(&l->tell);
    free(l);
}

static bool leave_out(struct ssp__log_limit *l)
{
    if (l->left_out++ == 0)
        ssp__timer_start(l->loop, &l->tell, TELL_MS);
    return false;
}

bool ssp__log_limit_take(struct ssp__log_limit *l)
{
    const uint64_t cost = 1000 / PER_SECOND, full = BURST * cost;
    uint64_t now = ssp__loop_now_ms(l->loop), earned = now - l->filled_ms;
    l->filled_ms = now;
    l->tokens_ms = earned >= full - l->tokens_ms ? full : l->tokens_ms + earned;
    if (l->tokens_ms < cost)
        return leave_out(l);
    l->tokens_ms -= cost;
    return true;
}

/* The place of this source, or the one that it takes: without ways, two sources of one place would
 * get a line for each of their turns. */
static struct source *place_of(struct ssp__log_limit *l, uint64_t hash)
{
    struct source *set = &l->source[hash % (SOURCES / WAYS) * WAYS], *oldest = set;
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].hash == hash && set[i].logged_ms != 0)
            return &set[i];
        if (set[i].logged_ms < oldest->logged_ms)
            oldest = &set[i];
    }
    return oldest;
}

bool ssp__log_limit_take_of(struct ssp__log_limit *l, const struct ssp__address *peer)
{
    uint64_t word[SSP_SOURCE_WORDS], now = ssp__loop_now_ms(l->loop);
    if (peer->len == 0)
        return ssp__log_limit_take(l);
    ssp__address_source(peer, word);
    uint64_t hash = ssp__hash(l->key, word, SSP_SOURCE_WORDS);
    struct source *s = place_of(l, hash);
    if (s->hash == hash && s->logged_ms != 0 && now - s->logged_ms < SOURCE_MS)
        return leave_out(l);
    if (!ssp__log_limit_take(l))
        return false;
    *s = (struct source){.hash = hash, .logged_ms = now};
    return true;
}
