/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/users.h"

#include "crypto/blake3.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 16 };

struct ss_users {
    _Atomic unsigned owners;
    size_t key_len;        /* const after creation */
    pthread_rwlock_t lock; /* guards what follows */
    size_t count, mask;    /* mask: buckets - 1 */
    struct ss_user **by_hash, **by_name;
    uint8_t key[crypto_shorthash_KEYBYTES];
};

static void free_buckets(struct ss_users *u)
{
    free(u->by_hash);
    free(u->by_name);
}

struct ss_users *ss_users_new(size_t key_len)
{
    struct ss_users *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->owners = 1;
    u->key_len = key_len;
    u->mask = FIRST_BUCKETS - 1;
    u->by_hash = calloc(FIRST_BUCKETS, sizeof(struct ss_user *));
    u->by_name = calloc(FIRST_BUCKETS, sizeof(struct ss_user *));
    crypto_shorthash_keygen(u->key);
    if (u->by_hash != NULL && u->by_name != NULL && pthread_rwlock_init(&u->lock, NULL) == 0)
        return u;
    free_buckets(u);
    free(u);
    return NULL;
}

struct ss_users *ss_users_hold(struct ss_users *u)
{
    if (u != NULL)
        u->owners++;
    return u;
}

size_t ss_users_key_len(const struct ss_users *u)
{
    return u->key_len;
}

void ss_users_free(struct ss_users *u)
{
    if (u == NULL || --u->owners > 0)
        return;
    for (size_t i = 0; i <= u->mask; i++) {
        for (struct ss_user *user = u->by_hash[i], *next; user != NULL; user = next) {
            next = user->by_hash;
            ss_user_release(user);
        }
    }
    (void)pthread_rwlock_destroy(&u->lock);
    free_buckets(u);
    free(u);
}

void ss_user_hash(const uint8_t *key, size_t key_len, uint8_t hash[SS_USER_HASH_LEN])
{
    uint8_t whole[SS_BLAKE3_LEN];
    ss_blake3_hash(key, key_len, whole);
    memcpy(hash, whole, SS_USER_HASH_LEN);
}

static size_t place(const struct ss_users *u, const void *bytes, size_t n)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t number;
    (void)crypto_shorthash(hash, bytes, n, u->key);
    memcpy(&number, hash, sizeof number);
    return (size_t)number & u->mask;
}

/* The link to the user, or the end of the chain. */
static struct ss_user **find_hash(const struct ss_users *u, const uint8_t *hash)
{
    struct ss_user **link = &u->by_hash[place(u, hash, SS_USER_HASH_LEN)];
    while (*link != NULL && memcmp((*link)->hash, hash, SS_USER_HASH_LEN) != 0)
        link = &(*link)->by_hash;
    return link;
}

static struct ss_user **find_name(const struct ss_users *u, const char *name)
{
    struct ss_user **link = &u->by_name[place(u, name, strlen(name))];
    while (*link != NULL && strcmp((*link)->name, name) != 0)
        link = &(*link)->by_name;
    return link;
}

static void put(struct ss_users *u, struct ss_user *user)
{
    struct ss_user **by_hash = &u->by_hash[place(u, user->hash, sizeof user->hash)];
    struct ss_user **by_name = &u->by_name[place(u, user->name, strlen(user->name))];
    user->by_hash = *by_hash;
    user->by_name = *by_name;
    *by_hash = *by_name = user;
}

/* Doubles the buckets; without memory, chains become longer. */
static void grow(struct ss_users *u)
{
    size_t buckets = 2 * (u->mask + 1);
    struct ss_users old = *u;
    struct ss_user **by_hash = calloc(buckets, sizeof(struct ss_user *));
    struct ss_user **by_name = calloc(buckets, sizeof(struct ss_user *));
    if (by_hash == NULL || by_name == NULL) {
        free(by_hash);
        free(by_name);
        return;
    }
    u->by_hash = by_hash;
    u->by_name = by_name;
    u->mask = buckets - 1;
    for (size_t i = 0; i <= old.mask; i++) {
        for (struct ss_user *user = old.by_hash[i], *next; user != NULL; user = next) {
            next = user->by_hash;
            put(u, user);
        }
    }
    free_buckets(&old);
}

static struct ss_user *user_new(const struct ss_users *u, const char *name, const uint8_t *key)
{
    size_t len = strlen(name) + 1;
    struct ss_user *user = calloc(1, sizeof *user + len);
    if (user == NULL)
        return NULL;
    user->holders = 1;
    memcpy(user->key, key, u->key_len);
    memcpy(user->name, name, len);
    ss_user_hash(key, u->key_len, user->hash);
    return user;
}

static void add(struct ss_users *u, struct ss_user *user)
{
    if (u->count++ > u->mask)
        grow(u);
    put(u, user);
}

enum ss_user_verdict ss_users_add(struct ss_users *u, const char *name, const uint8_t *key)
{
    enum ss_user_verdict verdict = SS_USER_OK;
    struct ss_user *user = user_new(u, name, key);
    if (user == NULL)
        return SS_USER_NO_MEMORY;
    (void)pthread_rwlock_wrlock(&u->lock);
    if (*find_name(u, name) != NULL)
        verdict = SS_USER_NAME_TAKEN;
    else if (*find_hash(u, user->hash) != NULL)
        verdict = SS_USER_KEY_TAKEN;
    if (verdict == SS_USER_OK)
        add(u, user);
    (void)pthread_rwlock_unlock(&u->lock);
    if (verdict != SS_USER_OK)
        ss_user_release(user);
    return verdict;
}

bool ss_users_limit(struct ss_users *u, const char *name, const struct ssp__allowance *allowance)
{
    (void)pthread_rwlock_wrlock(&u->lock);
    struct ss_user *user = *find_name(u, name);
    bool limited = allowance->bytes != 0 || allowance->rate != 0;
    if (user != NULL && user->limits == NULL && limited)
        user->limits = calloc(1, sizeof *user->limits);
    struct ss_user_limits *limits = user != NULL ? user->limits : NULL;
    if (limits != NULL) {
        limits->bytes = allowance->bytes;
        ssp__bucket_set(&limits->bucket, allowance->rate);
    }
    (void)pthread_rwlock_unlock(&u->lock);
    return limits != NULL || (user != NULL && !limited);
}

/* The user is in the table. */
static void take_out(struct ss_users *u, struct ss_user *user)
{
    *find_name(u, user->name) = user->by_name;
    *find_hash(u, user->hash) = user->by_hash;
    u->count--;
}

bool ss_users_remove(struct ss_users *u, const char *name)
{
    (void)pthread_rwlock_wrlock(&u->lock);
    struct ss_user *user = *find_name(u, name);
    if (user != NULL) {
        take_out(u, user);
        user->gone = true;
    }
    (void)pthread_rwlock_unlock(&u->lock);
    ss_user_release(user);
    return user != NULL;
}

/* ---- one table becomes another ---- */

/* The user of the table that has the same name and key, or NULL. */
static struct ss_user *same(const struct ss_users *u, const struct ss_user *user)
{
    struct ss_user *other = *find_name(u, user->name);
    return other != NULL && sodium_memcmp(other->key, user->key, u->key_len) == 0 ? other : NULL;
}

static void collect_removed(struct ss_users_change *change, const struct ss_users *now,
                            const struct ss_users *next)
{
    for (size_t i = 0; i <= now->mask; i++) {
        for (struct ss_user *user = now->by_name[i]; user != NULL; user = user->by_name) {
            if (same(next, user) == NULL)
                change->removed[change->removals++] = user;
        }
    }
}

static bool same_limits(const struct ss_user_limits *a, const struct ss_user_limits *b)
{
    uint64_t bytes[] = {a != NULL ? a->bytes : 0, b != NULL ? b->bytes : 0};
    uint64_t rate[] = {a != NULL ? a->bucket.rate : 0, b != NULL ? b->bucket.rate : 0};
    return bytes[0] == bytes[1] && rate[0] == rate[1];
}

static void note_limits(struct ss_users_change *change, struct ss_user *stays, struct ss_user *next)
{
    if (same_limits(stays->limits, next->limits))
        return;
    change->relimited[change->relimitations++] =
        (struct ss_user_limiting){.user = ss_user_hold(stays), .fresh = next->limits};
    next->limits = NULL;
}

/* Takes the user out of next if it is new to now. */
static void take_if_new(struct ss_users_change *change, const struct ss_users *now,
                        struct ss_users *next, struct ss_user *user)
{
    struct ss_user *stays = same(now, user);
    if (stays != NULL) {
        note_limits(change, stays, user);
        return;
    }
    take_out(next, user);
    user->by_hash = change->added;
    change->added = user;
    change->additions++;
}

static void collect_added(struct ss_users_change *change, const struct ss_users *now,
                          struct ss_users *next)
{
    for (size_t i = 0; i <= next->mask; i++) {
        for (struct ss_user *user = next->by_name[i], *after; user != NULL; user = after) {
            after = user->by_name;
            take_if_new(change, now, next, user);
        }
    }
}

int ss_users_compare(struct ss_users_change *change, struct ss_users *now, struct ss_users *next)
{
    (void)pthread_rwlock_rdlock(&now->lock);
    *change = (struct ss_users_change){.removed = calloc(now->count + 1, sizeof(struct ss_user *)),
                                       .relimited =
                                           calloc(now->count + 1, sizeof(struct ss_user_limiting))};
    bool room = change->removed != NULL && change->relimited != NULL;
    if (room) {
        collect_removed(change, now, next);
        collect_added(change, now, next);
    }
    (void)pthread_rwlock_unlock(&now->lock);
    return room ? 0 : -1;
}

static void move_counters(struct ss_user *to, const struct ss_user *from)
{
    to->counters.up = from->counters.up;
    to->counters.down = from->counters.down;
    to->counters.packets_up = from->counters.packets_up;
    to->counters.packets_down = from->counters.packets_down;
    to->counters.connections = from->counters.connections;
    to->counters.failed = from->counters.failed;
    to->told_up = from->told_up;
    to->told_down = from->told_down;
}

/* Connections know the bucket that there is. */
static void limit(struct ss_user_limiting *l)
{
    struct ss_user_limits *own = l->user->limits;
    if (own == NULL) {
        l->user->limits = l->fresh;
        l->fresh = NULL;
        return;
    }
    own->bytes = l->fresh != NULL ? l->fresh->bytes : 0;
    ssp__bucket_set(&own->bucket, l->fresh != NULL ? l->fresh->bucket.rate : 0);
}

void ss_users_apply(struct ss_users *now, struct ss_users_change *change)
{
    (void)pthread_rwlock_wrlock(&now->lock);
    for (struct ss_user *user = change->added; user != NULL; user = user->by_hash) {
        const struct ss_user *former = *find_name(now, user->name);
        if (former != NULL)
            move_counters(user, former);
    }
    for (size_t i = 0; i < change->removals; i++) {
        take_out(now, change->removed[i]);
        change->removed[i]->gone = true;
    }
    while (change->added != NULL) {
        struct ss_user *user = change->added;
        change->added = user->by_hash;
        add(now, user);
    }
    for (size_t i = 0; i < change->relimitations; i++)
        limit(&change->relimited[i]);
    (void)pthread_rwlock_unlock(&now->lock);
    for (size_t i = 0; i < change->removals; i++)
        ss_user_release(change->removed[i]);
    ss_users_change_release(change);
}

void ss_users_change_release(struct ss_users_change *change)
{
    while (change->added != NULL) {
        struct ss_user *user = change->added;
        change->added = user->by_hash;
        ss_user_release(user);
    }
    for (size_t i = 0; i < change->relimitations; i++) {
        free(change->relimited[i].fresh);
        ss_user_release(change->relimited[i].user);
    }
    free(change->removed);
    free(change->relimited);
    *change = (struct ss_users_change){.added = NULL};
}

/* ---- reading ---- */

static struct ssp__counters read_counters(struct ss_user_counters *c)
{
    return (struct ssp__counters){
        .bytes_up = atomic_load_explicit(&c->up, memory_order_relaxed),
        .bytes_down = atomic_load_explicit(&c->down, memory_order_relaxed),
        .packets_up = atomic_load_explicit(&c->packets_up, memory_order_relaxed),
        .packets_down = atomic_load_explicit(&c->packets_down, memory_order_relaxed),
        .accepted = atomic_load_explicit(&c->connections, memory_order_relaxed),
        .failed = atomic_load_explicit(&c->failed, memory_order_relaxed)};
}

void ss_users_each(struct ss_users *u, ss_user_visit_fn *visit, void *arg)
{
    (void)pthread_rwlock_rdlock(&u->lock);
    for (size_t i = 0; i <= u->mask; i++) {
        for (struct ss_user *user = u->by_name[i]; user != NULL; user = user->by_name) {
            struct ssp__counters counters = read_counters(&user->counters);
            visit(arg, user->name, &counters);
        }
    }
    (void)pthread_rwlock_unlock(&u->lock);
}

void ss_users_use(struct ss_users *u, const char *name, uint64_t bytes)
{
    (void)pthread_rwlock_wrlock(&u->lock);
    struct ss_user *user = *find_name(u, name);
    if (user != NULL && user->limits != NULL)
        user->limits->used = bytes;
    (void)pthread_rwlock_unlock(&u->lock);
}

static void tell_new(struct ss_user *user,
                     bool (*visit)(void *arg, const char *name, uint64_t up, uint64_t down),
                     void *arg)
{
    const struct ssp__counters c = read_counters(&user->counters);
    uint64_t up = c.bytes_up - user->told_up, down = c.bytes_down - user->told_down;
    if ((up == 0 && down == 0) || !visit(arg, user->name, up, down))
        return;
    user->told_up = c.bytes_up;
    user->told_down = c.bytes_down;
}

void ss_users_each_new(struct ss_users *u,
                       bool (*visit)(void *arg, const char *name, uint64_t up, uint64_t down),
                       void *arg)
{
    (void)pthread_rwlock_rdlock(&u->lock);
    for (size_t i = 0; i <= u->mask; i++) {
        for (struct ss_user *user = u->by_name[i]; user != NULL; user = user->by_name)
            tell_new(user, visit, arg);
    }
    (void)pthread_rwlock_unlock(&u->lock);
}

/* A total below what was told here, after a new month began in the store, is right, too: the sum
 * with the counters is. */
void ss_users_set_total(struct ss_users *u, const char *name, uint64_t bytes)
{
    (void)pthread_rwlock_wrlock(&u->lock);
    struct ss_user *user = *find_name(u, name);
    if (user != NULL && user->limits != NULL)
        user->limits->used = bytes - user->told_up - user->told_down;
    (void)pthread_rwlock_unlock(&u->lock);
}

static uint64_t used_by(struct ss_user *user)
{
    const struct ssp__counters counters = read_counters(&user->counters);
    const struct ssp__allowance allowance = {.used = user->limits->used};
    return ssp__allowance_used(&allowance, &counters);
}

void ss_users_each_used(struct ss_users *u,
                        void (*visit)(void *arg, const char *name, uint64_t bytes), void *arg)
{
    (void)pthread_rwlock_rdlock(&u->lock);
    for (size_t i = 0; i <= u->mask; i++) {
        for (struct ss_user *user = u->by_name[i]; user != NULL; user = user->by_name) {
            if (user->limits != NULL && user->limits->bytes != 0)
                visit(arg, user->name, used_by(user));
        }
    }
    (void)pthread_rwlock_unlock(&u->lock);
}

bool ss_users_limited(struct ss_users *u)
{
    bool limited = false;
    if (u == NULL)
        return false;
    (void)pthread_rwlock_rdlock(&u->lock);
    for (size_t i = 0; i <= u->mask; i++) {
        for (const struct ss_user *user = u->by_name[i]; user != NULL; user = user->by_name)
            limited = limited || user->limits != NULL;
    }
    (void)pthread_rwlock_unlock(&u->lock);
    return limited;
}

size_t ss_users_count(const struct ss_users *u)
{
    return u->count;
}

struct ss_user *ss_user_hold(struct ss_user *user)
{
    if (user != NULL)
        (void)atomic_fetch_add_explicit(&user->holders, 1, memory_order_relaxed);
    return user;
}

void ss_user_release(struct ss_user *user)
{
    if (user == NULL || atomic_fetch_sub(&user->holders, 1) > 1)
        return;
    sodium_memzero(user->key, sizeof user->key);
    free(user->limits);
    free(user);
}

const char *ss_user_refused(struct ss_user *user)
{
    if (user == NULL)
        return NULL;
    if (atomic_load_explicit(&user->gone, memory_order_relaxed))
        return "user removed";
    if (user->limits == NULL)
        return NULL;
    const struct ssp__allowance allowance = {.bytes = user->limits->bytes,
                                             .used = user->limits->used};
    const struct ssp__counters counters = read_counters(&user->counters);
    return ssp__allowance_spent(&allowance, &counters) ? "limit_bytes of the user is used up"
                                                       : NULL;
}

struct ssp__bucket *ss_user_bucket(struct ss_user *user)
{
    return user != NULL && user->limits != NULL ? &user->limits->bucket : NULL;
}

struct ss_user *ss_users_take(struct ss_users *u, const uint8_t hash[SS_USER_HASH_LEN])
{
    (void)pthread_rwlock_rdlock(&u->lock);
    struct ss_user *user = ss_user_hold(*find_hash(u, hash));
    (void)pthread_rwlock_unlock(&u->lock);
    return user;
}

struct ss_user *ss_users_take_named(struct ss_users *u, const char *name)
{
    (void)pthread_rwlock_rdlock(&u->lock);
    struct ss_user *user = ss_user_hold(*find_name(u, name));
    (void)pthread_rwlock_unlock(&u->lock);
    return user;
}
