/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"
#include "conf/strength.h"

#include "within.h"

static void bits_grow_with_length_and_kinds(void **state)
{
    static const struct {
        const char *password;
        unsigned bits;
    } rows[] = {
        {"", 0},
        {"a", 4},
        {"aaaaaaaaaaaaaaaaaaaaaaaa", 4},
        {"12345678901234567890", 6},
        {"abcdefghijklmnopqrstuvwxyz", 4},
        {"zyxwvutsrqponmlkjihgfedcba", 4},
        {"barfoo!", 29},
        {"password", 28},
        {"correct horse battery staple", 135},
        {"Xk3vQ9mZt7Lw2Rb8", 95},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_within(ss_strength_bits(rows[i].password), rows[i].bits, rows[i].bits + 7);
}

/* 128 random bits of `openssl rand -base64 16` pass, however they fall. */
static void what_the_message_advises_is_enough(void **state)
{
    (void)state;
    assert_true(ss_strength_bits("q2Jm0nP4d3mC5tYxk8b9sA==") >= SS_STRENGTH_ENOUGH);
    assert_true(ss_strength_bits("d41c8d98f00b204e9800a98e") >= SS_STRENGTH_ENOUGH);
    assert_false(ss_strength_bits("Summer2026!") >= SS_STRENGTH_ENOUGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_grow_with_length_and_kinds),
        cmocka_unit_test(what_the_message_advises_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
