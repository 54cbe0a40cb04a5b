/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/users.h"

#include "crypto/blake3.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 16 };

struct ss_users {
    pthread_rwlock_t lock; /* guards what follows */
    size_t key_len;        /* const after creation */
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

void ss_users_free(struct ss_users *u)
{
    if (u == NULL)
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
    if (verdict == SS_USER_OK && u->count++ > u->mask)
        grow(u);
    if (verdict == SS_USER_OK)
        put(u, user);
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

bool ss_users_remove(struct ss_users *u, const char *name)
{
    (void)pthread_rwlock_wrlock(&u->lock);
    struct ss_user **by_name = find_name(u, name), *user = *by_name;
    if (user != NULL) {
        *by_name = user->by_name;
        *find_hash(u, user->hash) = user->by_hash;
        user->gone = true;
        u->count--;
    }
    (void)pthread_rwlock_unlock(&u->lock);
    ss_user_release(user);
    return user != NULL;
}

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
    const struct ssp__allowance allowance = {.bytes = user->limits->bytes};
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
