/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NUMBERS = 4096, TURNS = 20000 };

static bool take(struct ss_window *w, uint64_t number)
{
    bool admitted = ss_window_admits(w, number);
    if (admitted)
        ss_window_note(w, number);
    return admitted;
}

static void a_number_comes_once_in_any_order(void **state)
{
    struct ss_window w = {.next = 0};
    (void)state;
    assert_true(take(&w, 0));
    assert_false(take(&w, 0));
    assert_true(take(&w, SS_WINDOW_SPAN));
    assert_false(take(&w, 0)); /* just too late, and known */
    assert_true(take(&w, 1));
    assert_false(take(&w, 1));
    assert_true(take(&w, 10 * (uint64_t)SS_WINDOW_SPAN));
    assert_false(take(&w, 9 * (uint64_t)SS_WINDOW_SPAN));
    assert_true(take(&w, 9 * (uint64_t)SS_WINDOW_SPAN + 1));
}

static void the_last_number_of_all_is_refused(void **state)
{
    struct ss_window w = {.next = 0};
    (void)state;
    assert_false(take(&w, UINT64_MAX));
    assert_true(take(&w, UINT64_MAX - 1));
    assert_false(take(&w, UINT64_MAX - 1));
    assert_true(take(&w, UINT64_MAX - 2));
}

/* The model knows every number that came. */
static void a_model_agrees(void **state)
{
    static bool came[NUMBERS];
    struct ss_window w = {.next = 0};
    uint32_t random = 1;
    uint64_t highest = 0;
    (void)state;
    for (int i = 0; i < TURNS; i++) {
        random = random * 1664525 + 1013904223;
        uint64_t n = (uint64_t)(i * (NUMBERS / 2) / TURNS) + (random >> 16) % (NUMBERS / 2);
        bool late = i > 0 && highest >= n && highest - n >= SS_WINDOW_SPAN;
        assert_int_equal(take(&w, n), !late && !came[n]);
        came[n] = came[n] || !late;
        highest = n > highest ? n : highest;
    }
}

static void a_window_that_goes_on_admits_nothing_from_before(void **state)
{
    (void)state;
    for (uint64_t next = 1; next < 200; next++) {
        struct ss_window w;
        ss_window_resume(&w, next);
        for (uint64_t n = 0; n < next; n++)
            assert_false(ss_window_admits(&w, n));
        for (uint64_t n = next; n < next + 200; n++)
            assert_true(take(&w, n) && !take(&w, n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_comes_once_in_any_order),
        cmocka_unit_test(the_last_number_of_all_is_refused),
        cmocka_unit_test(a_model_agrees),
        cmocka_unit_test(a_window_that_goes_on_admits_nothing_from_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
