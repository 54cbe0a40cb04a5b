/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/users.h"

#include "../heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 100000, KEY_LEN = 32, BYTES_EACH = 200 };

static const uint8_t *key_of(uint32_t n)
{
    static uint8_t key[KEY_LEN];
    memcpy(key, &n, sizeof n);
    return key;
}

static enum ss_user_verdict add(struct ss_users *users, uint32_t n)
{
    char name[SS_USER_NAME_MAX];
    (void)snprintf(name, sizeof name, "user%u@example.com", n);
    return ss_users_add(users, name, key_of(n));
}

static struct ss_user *take(struct ss_users *users, uint32_t n)
{
    uint8_t hash[SS_USER_HASH_LEN];
    ss_user_hash(key_of(n), KEY_LEN, hash);
    return ss_users_take(users, hash);
}

static void each_of_many_users_is_found_and_takes_little_memory(void **state)
{
    (void)state;
    size_t before = heap_used();
    struct ss_users *users = ss_users_new(KEY_LEN);
    for (uint32_t n = 0; n < MANY; n++)
        assert_int_equal(add(users, n), SS_USER_OK);
    size_t used = heap_used() - before;
#ifndef __SANITIZE_ADDRESS__
    assert_true(used / MANY < BYTES_EACH);
#endif
    (void)used;
    for (uint32_t n = 0; n < MANY; n++) {
        struct ss_user *user = take(users, n);
        assert_non_null(user);
        assert_memory_equal(user->key, key_of(n), KEY_LEN);
        ss_user_release(user);
    }
    assert_null(take(users, MANY));
    ss_users_free(users);
}

static void a_name_and_a_key_belong_to_one_user(void **state)
{
    struct ss_users *users = ss_users_new(KEY_LEN);
    (void)state;
    assert_int_equal(ss_users_add(users, "a", key_of(1)), SS_USER_OK);
    assert_int_equal(ss_users_add(users, "a", key_of(2)), SS_USER_NAME_TAKEN);
    assert_int_equal(ss_users_add(users, "b", key_of(1)), SS_USER_KEY_TAKEN);
    assert_int_equal(ss_users_count(users), 1);
    ss_users_free(users);
}

static void a_limit_is_that_of_one_user(void **state)
{
    struct ss_users *users = ss_users_new(KEY_LEN);
    (void)state;
    assert_int_equal(ss_users_add(users, "a", key_of(1)), SS_USER_OK);
    assert_int_equal(ss_users_add(users, "b", key_of(2)), SS_USER_OK);
    struct ss_user *a = take(users, 1), *b = take(users, 2);
    assert_null(ss_user_bucket(a));
    assert_true(ss_users_limit(users, "a", &(struct ssp__allowance){.bytes = 100, .rate = 7}));
    assert_false(ss_users_limit(users, "c", &(struct ssp__allowance){.bytes = 100}));
    assert_int_equal(ss_user_bucket(a)->rate, 7);
    assert_null(ss_user_bucket(b));
    atomic_fetch_add(&a->counters.up, 60);
    atomic_fetch_add(&b->counters.up, 1000);
    assert_null(ss_user_refused(a));
    atomic_fetch_add(&a->counters.down, 40);
    assert_non_null(ss_user_refused(a));
    assert_null(ss_user_refused(b));
    assert_true(ss_users_limit(users, "a", &(struct ssp__allowance){.bytes = 0}));
    assert_null(ss_user_refused(a));
    assert_int_equal(ss_user_bucket(a)->rate, 0);
    ss_user_release(a);
    ss_user_release(b);
    ss_users_free(users);
}

static void users_come_and_go_without_the_others(void **state)
{
    struct ss_users *users = ss_users_new(KEY_LEN);
    (void)state;
    for (uint32_t n = 0; n < 100; n++)
        assert_int_equal(add(users, n), SS_USER_OK);
    struct ss_user *held = take(users, 7), *other = take(users, 8);
    atomic_fetch_add(&other->counters.up, 5);
    assert_true(ss_users_remove(users, "user7@example.com"));
    assert_false(ss_users_remove(users, "user7@example.com"));
    assert_null(take(users, 7));
    assert_true(held->gone); /* its connections end, and its memory stays as long */
    assert_memory_equal(held->key, key_of(7), KEY_LEN);
    assert_false(other->gone);
    assert_int_equal(add(users, 7), SS_USER_OK);
    struct ss_user *again = ss_users_take_named(users, "user7@example.com");
    assert_ptr_not_equal(again, held);
    assert_int_equal(other->counters.up, 5);
    assert_int_equal(ss_users_count(users), 100);
    ss_user_release(held);
    ss_user_release(other);
    ss_user_release(again);
    ss_users_free(users);
}

static void a_user_outlives_the_table_while_it_is_held(void **state)
{
    struct ss_users *users = ss_users_new(KEY_LEN);
    (void)state;
    assert_int_equal(add(users, 1), SS_USER_OK);
    struct ss_user *user = take(users, 1);
    ss_users_free(users);
    assert_string_equal(user->name, "user1@example.com");
    ss_user_release(user);
    ss_user_release(NULL);
}

static struct ss_users *table(uint32_t from, uint32_t to)
{
    struct ss_users *users = ss_users_new(KEY_LEN);
    assert_non_null(users);
    for (uint32_t n = from; n < to; n++)
        assert_int_equal(add(users, n), SS_USER_OK);
    return users;
}

static void a_table_becomes_another_and_users_in_both_stay(void **state)
{
    struct ss_users *now = table(0, 300), *next = table(100, 1000);
    struct ss_users_change change;
    (void)state;
    struct ss_user *gone = take(now, 7), *stays = take(now, 150);
    stays->counters.up = 42;
    assert_int_equal(ss_users_compare(&change, now, next), 0);
    assert_int_equal(change.additions, 700);
    assert_int_equal(change.removals, 100);
    ss_users_free(next);
    assert_int_equal(ss_users_count(now), 300); /* so far nothing has changed */
    assert_false(gone->gone);
    ss_users_apply(now, &change);
    assert_int_equal(ss_users_count(now), 900);
    assert_true(gone->gone);
    assert_false(stays->gone);
    for (uint32_t n = 0; n < 1000; n++) {
        struct ss_user *user = take(now, n);
        assert_true((user != NULL) == (n >= 100));
        assert_true(n != 150 || (user == stays && user->counters.up == 42));
        ss_user_release(user);
    }
    ss_user_release(gone);
    ss_user_release(stays);
    ss_users_free(now);
}

static void a_change_that_is_dropped_changes_nothing(void **state)
{
    struct ss_users *now = table(0, 10), *next = table(5, 15);
    struct ss_users_change change;
    (void)state;
    assert_int_equal(ss_users_compare(&change, now, next), 0);
    ss_users_change_release(&change);
    ss_users_free(next);
    for (uint32_t n = 0; n < 15; n++) {
        struct ss_user *user = take(now, n);
        assert_true((user != NULL) == (n < 10));
        ss_user_release(user);
    }
    ss_users_free(now);
}

/* The key of one may go to another. */
static void users_change_their_keys_and_keep_their_counters(void **state)
{
    struct ss_users *now = ss_users_new(KEY_LEN), *next = ss_users_new(KEY_LEN);
    struct ss_users_change change;
    (void)state;
    assert_int_equal(ss_users_add(now, "a", key_of(1)), SS_USER_OK);
    assert_int_equal(ss_users_add(now, "b", key_of(2)), SS_USER_OK);
    assert_int_equal(ss_users_add(next, "a", key_of(2)), SS_USER_OK);
    assert_int_equal(ss_users_add(next, "b", key_of(1)), SS_USER_OK);
    struct ss_user *old = take(now, 1);
    old->counters.down = 7;
    assert_int_equal(ss_users_compare(&change, now, next), 0);
    ss_users_apply(now, &change);
    struct ss_user *fresh = take(now, 2);
    assert_string_equal(fresh->name, "a");
    assert_int_equal(fresh->counters.down, 7);
    assert_true(old->gone && !fresh->gone);
    ss_user_release(old);
    ss_user_release(fresh);
    ss_users_free(next);
    ss_users_free(now);
}

static void limits_change_where_they_are_known(void **state)
{
    static const struct ssp__allowance none = {.bytes = 0}, low = {.bytes = 10, .rate = 1000},
                                       high = {.bytes = 20, .rate = 2000};
    struct ss_users *now = table(0, 4), *next = table(0, 4);
    struct ss_users_change change;
    const char *const name[] = {"user0@example.com", "user1@example.com", "user2@example.com"};
    (void)state;
    for (int i = 0; i < 3; i++) { /* lower, gone, new, and none before and after */
        assert_true(ss_users_limit(now, name[i], i < 2 ? &high : &none));
        assert_true(ss_users_limit(next, name[i], i != 1 ? &low : &none));
    }
    struct ss_user *user[] = {take(now, 0), take(now, 1), take(now, 2), take(now, 3)};
    const struct ssp__bucket *bucket = ss_user_bucket(user[0]); /* a connection has it */
    assert_int_equal(ss_users_compare(&change, now, next), 0);
    assert_int_equal(change.relimitations, 3);
    assert_int_equal(change.additions + change.removals, 0);
    ss_users_free(next);
    ss_users_apply(now, &change);
    assert_ptr_equal(ss_user_bucket(user[0]), bucket);
    assert_int_equal(bucket->rate, 1000);
    assert_int_equal(user[0]->limits->bytes, 10);
    assert_int_equal(user[1]->limits->bytes + user[1]->limits->bucket.rate, 0);
    assert_int_equal(user[2]->limits->bytes, 10);
    assert_null(user[3]->limits);
    for (int i = 0; i < 4; i++)
        ss_user_release(user[i]);
    ss_users_free(now);
}

static void a_table_has_owners(void **state)
{
    struct ss_users *users = table(0, 2);
    (void)state;
    assert_ptr_equal(ss_users_hold(users), users);
    ss_users_free(users);
    assert_int_equal(ss_users_count(users), 2);
    ss_users_free(users);
}

struct news {
    uint64_t up, down;
    unsigned calls;
    bool takes;
};

static bool hear_news(void *arg, const char *name, uint64_t up, uint64_t down)
{
    struct news *n = arg;
    (void)name;
    n->calls++;
    n->up += n->takes ? up : 0;
    n->down += n->takes ? down : 0;
    return n->takes;
}

/* Bytes that are not taken come again; the total of a fleet counts toward the limit. */
static void new_bytes_are_told_once(void **state)
{
    static const uint8_t key[16] = {7};
    struct ss_users *users = ss_users_new(sizeof key);
    struct news news = {.takes = false};
    (void)state;
    assert_int_equal(ss_users_add(users, "alice", key), SS_USER_OK);
    assert_true(ss_users_limit(users, "alice", &(struct ssp__allowance){.bytes = 1000}));
    struct ss_user *alice = ss_users_take_named(users, "alice");
    alice->counters.up = 100;
    alice->counters.down = 20;
    ss_users_each_new(users, hear_news, &news);
    assert_int_equal(news.up, 0);
    news.takes = true;
    ss_users_each_new(users, hear_news, &news);
    ss_users_each_new(users, hear_news, &news);
    assert_int_equal(news.calls, 2);
    assert_int_equal(news.up, 100);
    assert_int_equal(news.down, 20);
    ss_users_set_total(users, "alice", 999);
    assert_null(ss_user_refused(alice));
    alice->counters.up += 1;
    assert_non_null(ss_user_refused(alice));
    ss_users_set_total(users, "alice", 0); /* a new month */
    assert_null(ss_user_refused(alice));
    ss_user_release(alice);
    ss_users_free(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_becomes_another_and_users_in_both_stay),
        cmocka_unit_test(a_change_that_is_dropped_changes_nothing),
        cmocka_unit_test(users_change_their_keys_and_keep_their_counters),
        cmocka_unit_test(limits_change_where_they_are_known),
        cmocka_unit_test(a_table_has_owners),
        cmocka_unit_test(each_of_many_users_is_found_and_takes_little_memory),
        cmocka_unit_test(a_name_and_a_key_belong_to_one_user),
        cmocka_unit_test(a_limit_is_that_of_one_user),
        cmocka_unit_test(users_come_and_go_without_the_others),
        cmocka_unit_test(a_user_outlives_the_table_while_it_is_held),
        cmocka_unit_test(new_bytes_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
