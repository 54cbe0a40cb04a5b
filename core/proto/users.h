/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users.h - the users of one port: found by the hash of their key, in a time that does not depend
 * on their number, and counted each.
 *
 * Thread-safe.  A user may be added or removed while others, and their connections, go on; the
 * connections of one that is removed end with their next byte.
 */
#ifndef SS_PROTO_USERS_H
#define SS_PROTO_USERS_H

#include "base/bucket.h"
#include "base/counters.h"
#include "crypto/cipher.h"

#include <stdatomic.h>

enum { SS_USER_HASH_LEN = 16, SS_USER_NAME_MAX = 64 };

struct ss_users;

/* Payload, without target headers; relaxed. */
struct ss_user_counters {
    _Atomic uint64_t up, down, packets_up, packets_down;
    _Atomic uint64_t connections; /* that have authenticated */
    _Atomic uint64_t failed;      /* of them, those with bytes that the key does not fit */
};

/* They belong to the one thread that relays. */
struct ss_user_limits {
    uint64_t bytes; /* up and down; 0: any number */
    uint64_t used;  /* before the start */
    struct ssp__bucket bucket;
};

struct ss_user {
    struct ss_user *by_hash, *by_name; /* next in their buckets */
    struct ss_user_counters counters;
    struct ss_user_limits *limits; /* owned; NULL: there never were any */
    uint64_t told_up, told_down;   /* of the counters; see ss_users_each_new() */
    _Atomic uint32_t holders;
    _Atomic bool gone;              /* removed */
    uint8_t hash[SS_USER_HASH_LEN]; /* of the key, as identity headers have it */
    uint8_t key[SS_KEY_MAX];
    char name[];
};

struct ss_users *ss_users_new(size_t key_len);          /* NULL when memory is out */
struct ss_users *ss_users_hold(struct ss_users *users); /* one owner more; accepts NULL */
void ss_users_free(struct ss_users *users); /* one less; accepts NULL; users that are held stay */
size_t ss_users_key_len(const struct ss_users *users);

enum ss_user_verdict {
    SS_USER_OK,
    SS_USER_NAME_TAKEN,
    SS_USER_KEY_TAKEN, /* by another user */
    SS_USER_NO_MEMORY
};

/* key has the key_len of the table. */
enum ss_user_verdict ss_users_add(struct ss_users *users, const char *name, const uint8_t *key);

/* Limits the traffic of a user: a rate that was not limited before, that of new connections.
 * Returns false when there is none of that name, or memory is out. */
bool ss_users_limit(struct ss_users *users, const char *name,
                    const struct ssp__allowance *allowance);

/* Bytes that a user with a limit of them has used before the start. */
void ss_users_use(struct ss_users *users, const char *name, uint64_t bytes);

/* Calls visit(arg, name, bytes) for each user with such a limit, with all that count toward it; the
 * callee does not change the table. */
void ss_users_each_used(struct ss_users *users,
                        void (*visit)(void *arg, const char *name, uint64_t bytes), void *arg);

/* Calls visit(arg, name, up, down) for each user that has carried bytes since it was told last;
 * these count as told once visit returns true.  From the thread that relays; the callee does not
 * change the table. */
void ss_users_each_new(struct ss_users *users,
                       bool (*visit)(void *arg, const char *name, uint64_t up, uint64_t down),
                       void *arg);

/* A user with a limit has carried so many bytes, here and elsewhere, those included that were told
 * here. */
void ss_users_set_total(struct ss_users *users, const char *name, uint64_t bytes);

/* Returns false when there is none of that name. */
bool ss_users_remove(struct ss_users *users, const char *name);

/* True when one of them has a limit.  Accepts NULL. */
bool ss_users_limited(struct ss_users *users);

size_t ss_users_count(const struct ss_users *users);

/* Calls visit(arg, name, counters) for each; the callee does not change the table. */
typedef void ss_user_visit_fn(void *arg, const char *name, const struct ssp__counters *counters);
void ss_users_each(struct ss_users *users, ss_user_visit_fn *visit, void *arg);

/* Other limits of a user that stays. */
struct ss_user_limiting {
    struct ss_user *user;         /* held */
    struct ss_user_limits *fresh; /* owned; NULL: none any more */
};

/* The difference that makes the users of one table those of another: found first, then applied at
 * once. */
struct ss_users_change {
    struct ss_user *added;    /* list, by by_hash */
    struct ss_user **removed; /* of the table; a user with another key is removed and added */
    struct ss_user_limiting *relimited;
    size_t additions, removals, relimitations;
};

/* Takes what is new out of next, which is of no use then, while now serves.  Returns 0, or -1 when
 * memory is out; the change is to be released, and now has no other one meanwhile. */
int ss_users_compare(struct ss_users_change *change, struct ss_users *now, struct ss_users *next);

/* Cannot fail.  A user with another key keeps its counters. */
void ss_users_apply(struct ss_users *now, struct ss_users_change *change);
void ss_users_change_release(struct ss_users_change *change); /* accepts a zeroed one */

/* The user with that hash, held; NULL: there is none. */
struct ss_user *ss_users_take(struct ss_users *users, const uint8_t hash[SS_USER_HASH_LEN]);

/* The same by name. */
struct ss_user *ss_users_take_named(struct ss_users *users, const char *name);
struct ss_user *ss_user_hold(struct ss_user *user);

/* Why the user is not served, or not any more; NULL: it is.  user may be NULL. */
const char *ss_user_refused(struct ss_user *user);

/* Where its payload takes tokens; NULL: nowhere.  user may be NULL. */
struct ssp__bucket *ss_user_bucket(struct ss_user *user);

void ss_user_release(struct ss_user *user); /* accepts NULL */

/* The hash by which an identity header names a key. */
void ss_user_hash(const uint8_t *key, size_t key_len, uint8_t hash[SS_USER_HASH_LEN]);

#endif
