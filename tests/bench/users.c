/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users - what it costs a server to find one of many users by the hash in an identity header, in
 * any order, and what memory each takes.  Prints one line of JSON.
 */
#include "proto/users.h"

#include "../unit/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHOICES = 1000000, KEY_LEN = 32 };

static uint64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The key of user i, and its hash. */
static void key_of(unsigned i, uint8_t key[static KEY_LEN], uint8_t hash[static SS_USER_HASH_LEN])
{
    memset(key, 0, KEY_LEN);
    memcpy(key, &i, sizeof i);
    ss_user_hash(key, KEY_LEN, hash);
}

static bool add_all(struct ss_users *users, unsigned count, uint8_t (*hash)[SS_USER_HASH_LEN])
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t key[KEY_LEN];
        char name[24];
        (void)snprintf(name, sizeof name, "user-%u", i);
        key_of(i, key, hash[i]);
        if (ss_users_add(users, name, key) != SS_USER_OK)
            return false;
    }
    return true;
}

/* Returns nanoseconds for each choice, or -1 when one was wrong. */
static double choose(struct ss_users *users, unsigned count, uint8_t (*hash)[SS_USER_HASH_LEN])
{
    uint32_t next = 1;
    uint64_t begin = cpu_ns();
    for (unsigned i = 0; i < CHOICES; i++) {
        next = next * 1664525 + 1013904223;
        struct ss_user *user = ss_users_take(users, hash[next % count]);
        if (user == NULL)
            return -1;
        ss_user_release(user);
    }
    return (double)(cpu_ns() - begin) / (double)CHOICES;
}

int main(int argc, char **argv)
{
    unsigned count = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    uint8_t(*hash)[SS_USER_HASH_LEN] = calloc(count, sizeof *hash);
    size_t before = heap_used();
    struct ss_users *users = count > 0 && hash != NULL ? ss_users_new(KEY_LEN) : NULL;
    bool added = users != NULL && add_all(users, count, hash);
    size_t taken = heap_used() - before;
    double ns = added ? choose(users, count, hash) : -1;
    ss_users_free(users);
    free(hash);
    if (ns < 0) {
        (void)fprintf(stderr, "usage: users COUNT\n");
        return 1;
    }
    printf("{\"users\":%u,\"ns\":%.1f,\"bytes\":%.1f}\n", count, ns, (double)taken / count);
    return 0;
}
