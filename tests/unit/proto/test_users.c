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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_many_users_is_found_and_takes_little_memory),
        cmocka_unit_test(a_name_and_a_key_belong_to_one_user),
        cmocka_unit_test(a_limit_is_that_of_one_user),
        cmocka_unit_test(users_come_and_go_without_the_others),
        cmocka_unit_test(a_user_outlives_the_table_while_it_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
