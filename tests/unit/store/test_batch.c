/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"
#include "store/salts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void begin(struct ss_batch *b)
{
    *b = (struct ss_batch){.n = 0};
    assert_true(ss_batch_add(b, 8388, NULL, 10, 20));
    assert_true(ss_batch_add(b, 8388, "alice", 1, 2));
}

static void an_answer_has_the_totals(void **state)
{
    static const long long numbers[] = {1, 100, 200, 7, 8};
    struct ss_batch b, rest = {.n = 0};
    (void)state;
    begin(&b);
    assert_true(ss_batch_answer(&b, numbers, 5, &rest));
    assert_true(b.at[0].totalled && b.at[1].totalled);
    assert_int_equal(b.at[0].total, 300);
    assert_int_equal(b.at[1].total, 15);
    assert_int_equal(rest.n, 0);
    ss_batch_release(&b);
}

/* A side that was refused is sent again, alone. */
static void a_refusal_is_left_for_the_next_batch(void **state)
{
    static const long long numbers[] = {1, 100, 200, -1, 8};
    struct ss_batch b, rest = {.n = 0};
    (void)state;
    begin(&b);
    assert_true(ss_batch_answer(&b, numbers, 5, &rest));
    assert_false(b.at[1].totalled);
    assert_int_equal(rest.n, 1);
    assert_string_equal(rest.at[0].name, "alice");
    assert_int_equal(rest.at[0].up, 1);
    assert_int_equal(rest.at[0].down, 0);
    ss_batch_release(&b);
    ss_batch_release(&rest);
}

/* It was added before: what it says of a counter now is not known to be missing. */
static void a_batch_that_came_twice_leaves_nothing(void **state)
{
    static const long long numbers[] = {0, 100, 200, -1, -1};
    struct ss_batch b, rest = {.n = 0};
    (void)state;
    begin(&b);
    assert_true(ss_batch_answer(&b, numbers, 5, &rest));
    assert_int_equal(rest.n, 0);
    ss_batch_release(&b);
}

static void an_answer_of_another_length_is_none(void **state)
{
    static const long long numbers[] = {1, 100, 200, 7, 8, 9};
    struct ss_batch b, rest = {.n = 0};
    (void)state;
    begin(&b);
    for (size_t n = 0; n <= 6; n++) {
        if (n != 5)
            assert_false(ss_batch_answer(&b, numbers, n, &rest));
    }
    assert_int_equal(b.n, 2);
    ss_batch_release(&b);
}

static void a_salt_is_what_it_was(void **state)
{
    struct ss_recent_kept kept = {.ring = UINT64_MAX - 1, .stamp = INT64_MAX, .seen = -2}, read;
    uint8_t text[SS_STORE_SALT];
    (void)state;
    memset(kept.hash, 0xa5, sizeof kept.hash);
    ss_store_salt_write(text, &kept);
    ss_store_salt_read(&read, text);
    assert_true(read.ring == kept.ring && read.stamp == kept.stamp && read.seen == kept.seen);
    assert_memory_equal(read.hash, kept.hash, sizeof kept.hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_the_totals),
        cmocka_unit_test(a_refusal_is_left_for_the_next_batch),
        cmocka_unit_test(a_batch_that_came_twice_leaves_nothing),
        cmocka_unit_test(an_answer_of_another_length_is_none),
        cmocka_unit_test(a_salt_is_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
