/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 64, FLOOD = 1000, NOW = 1000000 };

static bool add(struct ss_recent *r, uint64_t n, int64_t stamp, int64_t now)
{
    uint8_t salt[SS_RECENT_ID_MAX] = {1};
    memcpy(salt + 8, &n, sizeof n);
    return ss_recent_add(r, (struct ss_recent_id){salt, sizeof salt}, stamp, now);
}

static void a_salt_is_known_for_a_minute(void **state)
{
    struct ss_recent *r = ss_recent_new(SMALL, 0);
    (void)state;
    assert_true(add(r, 1, NOW, NOW));
    assert_false(add(r, 1, NOW, NOW));
    assert_false(add(r, 1, NOW, NOW + 60));
    assert_true(add(r, 2, NOW + 1, NOW));
    ss_recent_free(r);
}

/* Header times within 30 s of the clock are valid: at 61 s the salt of one is not needed. */
static void what_is_forgotten_is_too_old_to_be_taken(void **state)
{
    struct ss_recent *r = ss_recent_new(SMALL, 0);
    (void)state;
    assert_true(add(r, 1, NOW, NOW));
    assert_true(add(r, 2, NOW + 61, NOW + 61)); /* forgets the first */
    assert_true(ss_recent_too_old(r, NOW));
    assert_false(ss_recent_too_old(r, NOW + 1));
    assert_false(add(r, 1, NOW, NOW - 29)); /* the clock has stepped back */
    assert_true(add(r, 3, NOW + 1, NOW - 29));
    ss_recent_free(r);
}

static void a_clock_that_steps_makes_no_replay_valid(void **state)
{
    static const int64_t steps[] = {
        -1,    1,    -29,  29,        -31,           31,           -61, 61,
        -3600, 3600, -NOW, INT32_MAX, INT64_MAX / 2, INT64_MIN / 2};
    struct ss_recent *r = ss_recent_new(SMALL, 0);
    (void)state;
    assert_true(add(r, 1, NOW, NOW));
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        assert_false(add(r, 1, NOW, NOW + steps[i]));
    ss_recent_free(r);
}

static void a_flood_forgets_early_and_takes_nothing_twice(void **state)
{
    struct ss_recent *r = ss_recent_new(SMALL, 0);
    (void)state;
    for (uint64_t n = 0; n < FLOOD; n++)
        assert_true(add(r, n, NOW + (int64_t)n, NOW));
    for (uint64_t n = 0; n < FLOOD; n++)
        assert_false(add(r, n, NOW + (int64_t)n, NOW));
    ss_recent_free(r);
}

static void a_start_takes_nothing_from_before(void **state)
{
    struct ss_recent *r = ss_recent_new(SMALL, NOW - 1);
    (void)state;
    assert_false(add(r, 1, NOW - 1, NOW));
    assert_true(add(r, 1, NOW, NOW));
    ss_recent_free(r);
}

static void a_model_of_many_salts_agrees(void **state)
{
    struct ss_recent *r = ss_recent_new(SMALL, 0);
    int64_t seen[SMALL * 2];
    (void)state;
    memset(seen, 0, sizeof seen);
    for (int64_t now = 1; now < FLOOD; now++) {
        size_t n = (size_t)(now * now + now / 3) % (SMALL * 2);
        bool known = seen[n] != 0 && now - seen[n] <= 60;
        assert_int_equal(add(r, n, now, now), !known);
        if (!known)
            seen[n] = now;
    }
    ss_recent_free(r);
}

static void a_hundred_thousand_salts_are_all_known(void **state)
{
    enum { MANY = 100000 };
    struct ss_recent *r = ss_recent_new(SS_RECENT_CAPACITY, 0);
    (void)state;
    for (uint64_t n = 0; n < MANY; n++)
        assert_true(add(r, n, NOW, NOW));
    for (uint64_t n = 0; n < MANY; n++)
        assert_false(add(r, n, NOW, NOW + 60));
    for (uint64_t n = 0; n < MANY; n++)
        assert_true(add(r, n, NOW + 61, NOW + 61));
    ss_recent_free(r);
}

static void a_session_is_found_with_its_last_number(void **state)
{
    struct ss_recent *r = ss_recent_new(SMALL, 0);
    const struct ss_recent_id id = {(const uint8_t *)"session", 7};
    uint64_t number = 0;
    (void)state;
    assert_false(ss_recent_find(r, id, NOW, &number));
    ss_recent_put(r, id, NOW, NOW, 5);
    ss_recent_put(r, id, NOW + 50, NOW + 50, 9);
    assert_true(ss_recent_find(r, id, NOW + 100, &number));
    assert_int_equal(number, 9);
    assert_false(ss_recent_find(r, id, NOW + 111, &number));
    ss_recent_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_salt_is_known_for_a_minute),
        cmocka_unit_test(what_is_forgotten_is_too_old_to_be_taken),
        cmocka_unit_test(a_clock_that_steps_makes_no_replay_valid),
        cmocka_unit_test(a_flood_forgets_early_and_takes_nothing_twice),
        cmocka_unit_test(a_start_takes_nothing_from_before),
        cmocka_unit_test(a_model_of_many_salts_agrees),
        cmocka_unit_test(a_hundred_thousand_salts_are_all_known),
        cmocka_unit_test(a_session_is_found_with_its_last_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
