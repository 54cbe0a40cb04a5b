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
    struct ss_recent_session session;
    (void)state;
    assert_false(ss_recent_find(r, id, NOW, &session));
    assert_int_equal(session.after, 0);
    ss_recent_put(r, id, NOW, NOW, 5);
    ss_recent_put(r, id, NOW + 50, NOW + 50, 9);
    assert_true(ss_recent_find(r, id, NOW + 100, &session));
    assert_int_equal(session.number, 9);
    assert_int_equal(session.after, NOW); /* of what was put first, which is forgotten */
    assert_false(ss_recent_find(r, id, NOW + 111, &session));
    assert_int_equal(session.after, NOW + 50);
    ss_recent_free(r);
}

/* ---- over a restart ---- */

enum { KEPT_MAX = 16, FLOOR = NOW - 50 };

struct memory {
    struct ss_recent_kept kept[KEPT_MAX];
    size_t n;
};

static uint64_t era(void *arg, int64_t now)
{
    (void)arg, (void)now;
    return 0;
}

static bool keep(void *arg, const struct ss_recent_kept *kept)
{
    struct memory *m = arg;
    assert_true(m->n < KEPT_MAX);
    m->kept[m->n++] = *kept;
    return true;
}

static int64_t load(void *arg, uint64_t ring, uint64_t since, struct ss_recent *r, int64_t now)
{
    const struct memory *m = arg;
    assert_int_equal(since, 0);
    for (size_t i = 0; i < m->n; i++) {
        if (m->kept[i].ring == ring)
            ss_recent_restore(r, &m->kept[i], now);
    }
    return FLOOR;
}

static struct ss_recent *bound(struct memory *m, uint8_t key, int64_t now)
{
    static struct ss_recent_keeper keeper;
    const uint8_t bytes[SS_RECENT_KEY] = {key};
    struct ss_recent *r = ss_recent_new(SMALL, now - 1);
    keeper = (struct ss_recent_keeper){.era = era, .keep = keep, .load = load, .arg = m};
    ss_recent_bind(r, &keeper, bytes, now);
    return r;
}

static void a_restart_forgets_nothing_and_refuses_nothing_new(void **state)
{
    struct memory m = {.n = 0};
    struct ss_recent *r = bound(&m, 1, NOW);
    (void)state;
    assert_true(add(r, 1, NOW + 25, NOW));
    assert_true(add(r, 2, NOW - 25, NOW));
    ss_recent_free(r);
    r = bound(&m, 1, NOW + 1);
    assert_false(add(r, 1, NOW + 25, NOW + 1));
    assert_false(add(r, 2, NOW - 25, NOW + 1));
    assert_true(add(r, 3, NOW + 26, NOW + 1));
    assert_true(add(r, 4, NOW - 24, NOW + 1));
    assert_false(add(r, 5, FLOOR, NOW + 1));
    ss_recent_free(r);
}

static void a_ring_gets_what_is_its_own(void **state)
{
    struct memory m = {.n = 0};
    struct ss_recent *r = bound(&m, 1, NOW);
    (void)state;
    assert_true(add(r, 1, NOW, NOW));
    ss_recent_free(r);
    r = bound(&m, 2, NOW);
    assert_true(add(r, 1, NOW, NOW));
    ss_recent_free(r);
    assert_memory_not_equal(m.kept[0].hash, m.kept[1].hash, SS_RECENT_HASH);
}

static void what_was_kept_a_minute_ago_is_too_old(void **state)
{
    struct memory m = {.n = 0};
    struct ss_recent *r = bound(&m, 1, NOW);
    (void)state;
    assert_true(add(r, 1, NOW + 30, NOW));
    ss_recent_free(r);
    r = bound(&m, 1, NOW + 61);
    assert_true(ss_recent_too_old(r, NOW + 30));
    assert_false(ss_recent_too_old(r, NOW + 31));
    ss_recent_free(r);
}

static void a_session_goes_on_after_its_last_second(void **state)
{
    struct memory m = {.n = 0};
    struct ss_recent *r = bound(&m, 1, NOW);
    const struct ss_recent_id id = {(const uint8_t *)"session", 7};
    struct ss_recent_session session;
    (void)state;
    for (int64_t stamp = NOW + 20; stamp < NOW + 25; stamp++)
        ss_recent_note(r, id, stamp, NOW);
    ss_recent_put(r, id, NOW + 24, NOW, 5); /* its association has ended before the program */
    ss_recent_free(r);
    r = bound(&m, 1, NOW + 1);
    assert_true(ss_recent_find(r, id, NOW + 1, &session));
    assert_int_equal(session.number, 0);
    assert_int_equal(session.after, NOW + 24);
    ss_recent_put(r, id, NOW + 26, NOW + 2, 9);
    assert_true(ss_recent_find(r, id, NOW + 2, &session));
    assert_int_equal(session.number, 9);
    assert_int_equal(session.after, FLOOR);
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
        cmocka_unit_test(a_restart_forgets_nothing_and_refuses_nothing_new),
        cmocka_unit_test(a_ring_gets_what_is_its_own),
        cmocka_unit_test(what_was_kept_a_minute_ago_is_too_old),
        cmocka_unit_test(a_session_goes_on_after_its_last_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
