/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/replay.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    MILLION = 1000000,
    SIX_MILLION = 6 * MILLION,
    MODEL_CAPACITY = 64,
    MODEL_MARKS = 200,
    THREADS = 4,
    SHARED = 50000
};

/* Adds the salt that counts to n. */
static bool add_salt(struct ss_replay *r, uint64_t n)
{
    uint8_t salt[32] = {0};
    memcpy(salt, &n, sizeof n);
    return ss_replay_add(r, ss_replay_mark(r, salt, sizeof salt));
}

static void a_million_salts_are_remembered(void **state)
{
    struct ss_replay *r = ss_replay_new(SS_REPLAY_CAPACITY);
    (void)state;
    size_t fresh = 0, known = 0;
    for (uint64_t n = 0; n < MILLION; n++)
        fresh += add_salt(r, n);
    for (uint64_t n = 0; n < MILLION; n++)
        known += !add_salt(r, n);
    assert_int_equal(fresh, MILLION);
    assert_int_equal(known, MILLION);
    ss_replay_free(r);
}

static void none_of_five_million_new_salts_is_taken_for_a_known_one(void **state)
{
    struct ss_replay *r = ss_replay_new(SS_REPLAY_CAPACITY);
    (void)state;
    size_t fresh = 0;
    for (uint64_t n = 0; n < SIX_MILLION; n++)
        fresh += add_salt(r, n);
    assert_int_equal(fresh, SIX_MILLION);
    ss_replay_free(r);
}

static void the_oldest_salt_is_forgotten_first(void **state)
{
    struct ss_replay *r = ss_replay_new(8);
    (void)state;
    for (uint64_t n = 0; n < 9; n++)
        assert_true(add_salt(r, n));
    for (uint64_t n = 1; n < 9; n++)
        assert_false(add_salt(r, n));
    assert_true(add_salt(r, 0));
    assert_true(add_salt(r, 1));
    assert_false(add_salt(r, 3));
    ss_replay_free(r);
}

static void a_repeated_salt_does_not_become_younger(void **state)
{
    struct ss_replay *r = ss_replay_new(2);
    (void)state;
    assert_true(add_salt(r, 1));
    assert_true(add_salt(r, 2));
    assert_false(add_salt(r, 1));
    assert_true(add_salt(r, 3));
    assert_true(add_salt(r, 1));
    ss_replay_free(r);
}

/* The answer that a filter must give, the simple way. */
struct model {
    uint64_t mark[MODEL_CAPACITY];
    size_t added;
};

static bool model_add(struct model *m, uint64_t mark)
{
    size_t count = m->added < MODEL_CAPACITY ? m->added : MODEL_CAPACITY;
    for (size_t i = 0; i < count; i++) {
        if (m->mark[i] == mark)
            return false;
    }
    m->mark[m->added++ % MODEL_CAPACITY] = mark;
    return true;
}

/* Few marks, so that they collide, run together and wrap around the end of the table. */
static void crowded_marks_are_forgotten_in_order_as_well(void **state)
{
    struct ss_replay *r = ss_replay_new(MODEL_CAPACITY);
    struct model model = {.added = 0};
    uint64_t random = 1;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        uint64_t pick = (random >> 33) % MODEL_MARKS;
        /* Homes 100..127 and 0..38 of 128, each for three marks. */
        uint64_t mark = (pick / 3 + 100) % 128 + (pick % 3 + 1) * 128;
        assert_int_equal(ss_replay_add(r, mark), model_add(&model, mark));
    }
    ss_replay_free(r);
}

static void the_marks_of_two_filters_are_unrelated(void **state)
{
    static const uint8_t salt[16] = {1};
    struct ss_replay *a = ss_replay_new(1), *b = ss_replay_new(1);
    (void)state;
    assert_true(ss_replay_mark(a, salt, sizeof salt) == ss_replay_mark(a, salt, sizeof salt));
    assert_true(ss_replay_mark(a, salt, sizeof salt) != ss_replay_mark(b, salt, sizeof salt));
    ss_replay_free(a);
    ss_replay_free(b);
}

static void a_capacity_that_is_no_power_of_two_or_too_large_is_refused(void **state)
{
    (void)state;
    assert_null(ss_replay_new(0));
    assert_null(ss_replay_new(3));
    assert_null(ss_replay_new((size_t)1 << 22));
    ss_replay_free(NULL);
}

struct adder {
    pthread_t thread;
    struct ss_replay *filter;
    size_t fresh;
};

static void *add_shared(void *arg)
{
    struct adder *a = arg;
    for (uint64_t n = 0; n < SHARED; n++)
        a->fresh += add_salt(a->filter, n);
    return NULL;
}

static void of_threads_with_the_same_salt_one_is_first(void **state)
{
    struct ss_replay *r = ss_replay_new(SS_REPLAY_CAPACITY);
    struct adder adder[THREADS];
    size_t fresh = 0;
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        adder[i] = (struct adder){.filter = r};
        assert_int_equal(pthread_create(&adder[i].thread, NULL, add_shared, &adder[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(adder[i].thread, NULL), 0);
        fresh += adder[i].fresh;
    }
    assert_int_equal(fresh, SHARED);
    ss_replay_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_salts_are_remembered),
        cmocka_unit_test(none_of_five_million_new_salts_is_taken_for_a_known_one),
        cmocka_unit_test(the_oldest_salt_is_forgotten_first),
        cmocka_unit_test(a_repeated_salt_does_not_become_younger),
        cmocka_unit_test(crowded_marks_are_forgotten_in_order_as_well),
        cmocka_unit_test(the_marks_of_two_filters_are_unrelated),
        cmocka_unit_test(a_capacity_that_is_no_power_of_two_or_too_large_is_refused),
        cmocka_unit_test(of_threads_with_the_same_salt_one_is_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
