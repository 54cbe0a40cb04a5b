/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void distances_are_counted_in_letters(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {{"", "", 0},        {"port", "port", 0},      {"port", "pot", 1},
                {"pot", "port", 1}, {"kitten", "sitting", 3}, {"plugin-opts", "plugin_opts", 0},
                {"", "abc", 3},     {"obsf", "obfs", 1},      {"prot", "port", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(ssp__distance(rows[i].a, rows[i].b), rows[i].distance);
}

static const char *guess(const char *text)
{
    struct ssp__guess g;
    ssp__guess_begin(&g, text);
    (void)ssp__guess_offer(&g, "check");
    (void)ssp__guess_offer(&g, "describe");
    (void)ssp__guess_offer(&g, "run");
    return g.best;
}

static void the_closest_word_is_guessed(void **state)
{
    (void)state;
    assert_string_equal(guess("chekc"), "check");
    assert_string_equal(guess("desribe"), "describe");
    assert_string_equal(guess("rum"), "run");
    assert_string_equal(guess("urn"), "run");
}

static void a_word_of_its_own_resembles_none(void **state)
{
    char long_word[200];
    (void)state;
    memset(long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(guess("frobnicate"));
    assert_null(guess("x"));
    assert_null(guess(""));
    assert_null(guess(long_word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_counted_in_letters),
        cmocka_unit_test(the_closest_word_is_guessed),
        cmocka_unit_test(a_word_of_its_own_resembles_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
