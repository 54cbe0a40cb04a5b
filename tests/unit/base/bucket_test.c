/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { HOUR_MS = 3600 * 1000, START_MS = 123456789, BURST_MS = 50 };

/* Takes all that is granted, in reads of at most `most`, and waits in its queue whenever nothing
 * is; each time is late by `late` ms.  Returns the bytes of that time. */
static uint64_t drain(struct ssp__bucket *b, uint64_t from, uint64_t ms, uint64_t most,
                      unsigned late)
{
    uint64_t now = from, moved = 0, room;
    while (now < from + ms) {
        room = ssp__bucket_room(b, now);
        b->queue = NULL;
        while ((room = ssp__bucket_room(b, now)) > 0) {
            uint64_t n = room < most ? room : most;
            ssp__bucket_take(b, n);
            moved += n;
        }
        b->queue = (struct ssp__queue *)b;
        now += ssp__bucket_wait_ms(b, now) + late;
    }
    b->queue = NULL;
    return moved;
}

/* Moved at the rate, up to a burst and to the tokens of one wait. */
static void assert_exact(uint64_t moved, uint64_t rate, uint64_t ms, uint64_t slack_ms)
{
    uint64_t due = rate * ms / 1000, slack = rate * slack_ms / 1000 + 2 * 1400;
    assert_true(moved <= due + slack);
    assert_true(moved + slack >= due);
}

static void a_rate_is_exact_over_hours(void **state)
{
    static const uint64_t rates[] = {1,      7,       999,       1400,      16384,
                                     100003, 1 << 20, 125000000, 1ULL << 40};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        uint64_t ms = rates[i] < 1000000 ? 5ULL * HOUR_MS : HOUR_MS / 10;
        struct ssp__bucket b = {.level = 0};
        ssp__bucket_set(&b, rates[i]);
        assert_exact(drain(&b, START_MS, ms, UINT64_MAX, 0), rates[i], ms, BURST_MS + 1000);
    }
}

/* No remainder is lost in many small reads. */
static void small_reads_do_not_drift(void **state)
{
    struct ssp__bucket b = {.level = 0};
    (void)state;
    ssp__bucket_set(&b, 33333);
    assert_exact(drain(&b, START_MS, 3ULL * HOUR_MS, 17, 0), 33333, 3ULL * HOUR_MS, BURST_MS + 50);
}

/* A machine that is busy calls late: those who wait lose nothing. */
static void late_calls_cost_nothing_while_some_wait(void **state)
{
    struct ssp__bucket b = {.level = 0};
    (void)state;
    ssp__bucket_set(&b, 1000000);
    assert_exact(drain(&b, START_MS, HOUR_MS, UINT64_MAX, 400), 1000000, HOUR_MS, 1000 + 410);
}

static void an_idle_time_earns_one_burst(void **state)
{
    struct ssp__bucket b = {.level = 0};
    (void)state;
    ssp__bucket_set(&b, 1000000);
    (void)drain(&b, START_MS, 1000, UINT64_MAX, 0);
    assert_int_equal(ssp__bucket_room(&b, START_MS + HOUR_MS), 1000000 * BURST_MS / 1000);
}

static void a_lower_rate_keeps_its_own_burst_only(void **state)
{
    struct ssp__bucket b = {.level = 0};
    (void)state;
    ssp__bucket_set(&b, 100000000);
    (void)ssp__bucket_room(&b, START_MS);
    ssp__bucket_set(&b, 200000);
    assert_int_equal(ssp__bucket_room(&b, START_MS), 200000 * BURST_MS / 1000);
}

static void a_clock_that_steps_neither_blocks_nor_opens(void **state)
{
    struct ssp__bucket b = {.level = 0};
    (void)state;
    ssp__bucket_set(&b, 1000000);
    (void)drain(&b, START_MS + HOUR_MS, 1000, UINT64_MAX, 0);
    assert_exact(drain(&b, START_MS, 10000, UINT64_MAX, 0), 1000000, 10000, BURST_MS + 20);
    assert_exact(drain(&b, UINT64_MAX / 2, 10000, UINT64_MAX, 0), 1000000, 10000, BURST_MS + 20);
}

static void a_debt_is_paid(void **state)
{
    struct ssp__bucket b = {.level = 0};
    (void)state;
    ssp__bucket_set(&b, 100000);
    (void)ssp__bucket_room(&b, START_MS);
    ssp__bucket_take(&b, 105000);
    assert_int_equal(ssp__bucket_room(&b, START_MS + 999), 0);
    assert_int_equal(ssp__bucket_wait_ms(&b, START_MS + 999), 15);
    assert_false(ssp__bucket_admits(&b, START_MS + 1000));
    assert_true(ssp__bucket_admits(&b, START_MS + 1001));
    assert_int_equal(ssp__bucket_room(&b, START_MS + 1014), 1400);
}

static void no_rate_is_no_limit(void **state)
{
    struct ssp__bucket b = {.level = 0};
    (void)state;
    ssp__bucket_take(&b, UINT64_MAX / 4);
    assert_true(ssp__bucket_room(&b, START_MS) == UINT64_MAX);
    assert_true(ssp__bucket_admits(&b, START_MS));
    ssp__bucket_set(&b, 1000000);
    assert_exact(drain(&b, START_MS, 10000, UINT64_MAX, 0), 1000000, 10000, BURST_MS + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_exact_over_hours),
        cmocka_unit_test(small_reads_do_not_drift),
        cmocka_unit_test(late_calls_cost_nothing_while_some_wait),
        cmocka_unit_test(an_idle_time_earns_one_burst),
        cmocka_unit_test(a_lower_rate_keeps_its_own_burst_only),
        cmocka_unit_test(a_clock_that_steps_neither_blocks_nor_opens),
        cmocka_unit_test(a_debt_is_paid),
        cmocka_unit_test(no_rate_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
