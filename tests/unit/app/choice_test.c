/* SPDX-License-Identifier: Apache-2.0 */
/* The choice among servers, over a million draws of a generator that is always the same. */
#include "app/choice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DRAWS = 1000000, SERVERS_MAX = 8 };

/* xorshift */
static uint32_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

/* Chooses DRAWS times and counts how often each was chosen.  Equal ones come in turn of the list,
 * or by chance. */
static void count(const struct ss_standing *s, unsigned n, bool spread, unsigned chosen[])
{
    uint64_t state = 88172645463325252U;
    for (unsigned i = 0; i < n; i++)
        chosen[i] = 0;
    for (unsigned k = 0; k < DRAWS; k++) {
        struct ss_choice choice = {.made = false};
        unsigned last = n;
        for (unsigned i = 0; i < n; i++) {
            uint32_t draw = next(&state);
            if (ss_choice_offer(&choice, &s[i], draw, spread ? next(&state) : i))
                last = i;
        }
        assert_true(last < n);
        chosen[last]++;
    }
}

/* Within one percent of all draws; a million of them differ by less than a tenth of that. */
static void about(unsigned chosen, double share)
{
    double difference = (double)chosen / (double)DRAWS - share;
    if (difference > 0.01 || difference < -0.01)
        fail_msg("%u of %d, not about %f", chosen, DRAWS, share);
}

static void a_server_that_answers_is_always_tried(void **state)
{
    const struct ss_standing s[] = {{0, 0}, {0, 0}};
    unsigned chosen[SERVERS_MAX];
    (void)state;
    count(s, 2, false, chosen);
    assert_int_equal(chosen[0], DRAWS);
}

/* 1 / (n + 20), n counted up to 30. */
static void one_that_failed_is_tried_now_and_then(void **state)
{
    (void)state;
    for (unsigned failures = 1; failures <= 40; failures += 13) {
        struct ss_standing s[] = {{0, 0}, {0, 50}};
        unsigned chosen[SERVERS_MAX], counted = failures < 30 ? failures : 30;
        for (unsigned i = 0; i < failures; i++)
            ss_standing_fail(&s[0]);
        assert_int_equal(s[0].failures, counted);
        count(s, 2, false, chosen);
        about(chosen[0], 1.0 / (counted + 20));
        double expected = (double)DRAWS / (counted + 20), off = chosen[0] - expected;
        assert_true(off * off < 36 * expected); /* six deviations */
    }
}

static void those_passed_over_are_the_last_resort(void **state)
{
    const struct ss_standing s[] = {{30, 0}, {2, 0}, {7, 0}};
    unsigned chosen[SERVERS_MAX];
    (void)state;
    count(s, 3, false, chosen);
    assert_int_equal(chosen[0] + chosen[1] + chosen[2], DRAWS);
    /* The one that failed least comes unless only another one is drawn. */
    about(chosen[0], 1.0 / 50);
    about(chosen[2], 1.0 / 27 * 21 / 22 * 49 / 50);
}

static void the_quickest_comes_first_and_a_new_one_before_it(void **state)
{
    const struct ss_standing quick[] = {{0, 300}, {0, 40}, {0, 41}}, fresh[] = {{0, 40}, {0, 0}};
    unsigned chosen[SERVERS_MAX];
    (void)state;
    count(quick, 3, false, chosen);
    assert_int_equal(chosen[1], DRAWS); /* 40 and 41 are the same, and the list decides */
    count(fresh, 2, false, chosen);
    assert_int_equal(chosen[1], DRAWS);
}

static void equals_are_spread_by_chance(void **state)
{
    const struct ss_standing s[] = {{0, 0}, {0, 0}, {1, 0}, {0, 0}};
    unsigned chosen[SERVERS_MAX];
    (void)state;
    count(s, 4, true, chosen);
    double rest = (1 - 1.0 / 21 / 4) / 3;
    about(chosen[0], rest);
    about(chosen[1], rest);
    about(chosen[3], rest);
    about(chosen[2], 1.0 / 21 / 4);
}

static void an_answer_ends_the_failures_and_tells_the_time(void **state)
{
    struct ss_standing s = {.failures = 0};
    (void)state;
    ss_standing_answer(&s, 100);
    assert_int_equal(s.latency_ms, 100);
    ss_standing_answer(&s, 50);
    assert_int_equal(s.latency_ms, 75);
    ss_standing_answer(&s, 75 + 16 * 5); /* slower: it may be the target */
    assert_int_equal(s.latency_ms, 80);
    ss_standing_answer(&s, 0);
    assert_int_equal(s.latency_ms, 80);
    ss_standing_fail(&s);
    assert_int_equal(s.failures, 1);
    assert_int_equal(s.latency_ms, 0);
    ss_standing_answer(&s, 0);
    assert_int_equal(s.failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_answers_is_always_tried),
        cmocka_unit_test(one_that_failed_is_tried_now_and_then),
        cmocka_unit_test(those_passed_over_are_the_last_resort),
        cmocka_unit_test(the_quickest_comes_first_and_a_new_one_before_it),
        cmocka_unit_test(equals_are_spread_by_chance),
        cmocka_unit_test(an_answer_ends_the_failures_and_tells_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
