/* SPDX-License-Identifier: Apache-2.0 */
#include "app/shared_salts.h"

#include "store/salts.h"

#include <pthread.h>
#include <stdlib.h>

struct ring {
    struct ring *next;
    struct ss_recent *recent;
    uint64_t name;
};

struct ss_shared_salts {
    struct ss_recent_keeper keeper;
    const struct ss_recent_keeper *inner;
    pthread_mutex_t waiting_lock; /* guards the next four; taken below that of a ring */
    struct ss_recent_kept *waiting;
    size_t n, cap, lost;
    pthread_mutex_t rings_lock; /* guards the rings; taken above that of a ring */
    struct ring *rings;
};

static uint64_t era(void *arg, int64_t now)
{
    const struct ss_shared_salts *s = arg;
    return s->inner != NULL ? s->inner->era(s->inner->arg, now) : 0;
}

static bool make_room(struct ss_shared_salts *s)
{
    if (s->n < s->cap)
        return true;
    size_t cap = s->cap == 0 ? 64 : 2 * s->cap;
    struct ss_recent_kept *grown =
        cap <= SS_SHARED_SALTS_MAX ? reallocarray(s->waiting, cap, sizeof *grown) : NULL;
    if (grown == NULL)
        return false;
    s->waiting = grown;
    s->cap = cap;
    return true;
}

static bool keep(void *arg, const struct ss_recent_kept *kept)
{
    struct ss_shared_salts *s = arg;
    (void)pthread_mutex_lock(&s->waiting_lock);
    if (make_room(s))
        s->waiting[s->n++] = *kept;
    else
        s->lost++;
    (void)pthread_mutex_unlock(&s->waiting_lock);
    if (s->inner != NULL)
        (void)s->inner->keep(s->inner->arg, kept);
    return true;
}

/* Without a file, nothing is known of what this node had seen before. */
static int64_t load(void *arg, uint64_t name, uint64_t since, struct ss_recent *recent, int64_t now)
{
    struct ss_shared_salts *s = arg;
    if (since == 0) {
        struct ring *ring = calloc(1, sizeof *ring);
        (void)pthread_mutex_lock(&s->rings_lock);
        if (ring != NULL) {
            *ring = (struct ring){s->rings, recent, name};
            s->rings = ring;
        }
        (void)pthread_mutex_unlock(&s->rings_lock);
    }
    return s->inner != NULL ? s->inner->load(s->inner->arg, name, since, recent, now) : now - 1;
}

static void leave(void *arg, struct ss_recent *recent)
{
    struct ss_shared_salts *s = arg;
    (void)pthread_mutex_lock(&s->rings_lock);
    for (struct ring **link = &s->rings; *link != NULL;) {
        struct ring *ring = *link;
        if (ring->recent != recent) {
            link = &ring->next;
            continue;
        }
        *link = ring->next;
        free(ring);
    }
    (void)pthread_mutex_unlock(&s->rings_lock);
}

struct ss_shared_salts *ss_shared_salts_new(const struct ss_recent_keeper *inner)
{
    struct ss_shared_salts *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->inner = inner;
    s->keeper =
        (struct ss_recent_keeper){.era = era, .keep = keep, .load = load, .leave = leave, .arg = s};
    (void)pthread_mutex_init(&s->waiting_lock, NULL);
    (void)pthread_mutex_init(&s->rings_lock, NULL);
    return s;
}

void ss_shared_salts_free(struct ss_shared_salts *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_destroy(&s->waiting_lock);
    (void)pthread_mutex_destroy(&s->rings_lock);
    free(s->waiting);
    free(s);
}

const struct ss_recent_keeper *ss_shared_salts_keeper(const struct ss_shared_salts *s)
{
    return &s->keeper;
}

uint8_t *ss_shared_salts_take(struct ss_shared_salts *s, size_t *len, size_t *lost)
{
    (void)pthread_mutex_lock(&s->waiting_lock);
    uint8_t *text = s->n > 0 ? malloc(s->n * SS_STORE_SALT) : NULL;
    for (size_t i = 0; text != NULL && i < s->n; i++)
        ss_store_salt_write(text + i * SS_STORE_SALT, &s->waiting[i]);
    *len = text != NULL ? s->n * SS_STORE_SALT : 0;
    *lost = s->lost;
    s->n = text != NULL ? 0 : s->n;
    s->lost = 0;
    (void)pthread_mutex_unlock(&s->waiting_lock);
    return text;
}

void ss_shared_salts_learn(struct ss_shared_salts *s, const struct ss_recent_kept *kept, size_t n,
                           int64_t now)
{
    (void)pthread_mutex_lock(&s->rings_lock);
    for (size_t i = 0; i < n; i++) {
        for (struct ring *ring = s->rings; ring != NULL; ring = ring->next) {
            if (ring->name == kept[i].ring)
                ss_recent_learn(ring->recent, &kept[i], now);
        }
    }
    (void)pthread_mutex_unlock(&s->rings_lock);
}
