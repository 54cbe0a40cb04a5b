/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/amount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void amounts_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {{"0", 0},
                {"1", 1},
                {"10737418240", 10737418240},
                {"500k", 512000},
                {"500K", 512000},
                {"20M", 20971520},
                {"10G", 10737418240},
                {"2t", 2199023255552},
                {"1152921504606846976", UINT64_C(1) << 60}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes = 7;
        assert_int_equal(ss_amount_read(&bytes, rows[i].text), 0);
        assert_true(bytes == rows[i].bytes);
    }
}

static void other_texts_are_refused(void **state)
{
    static const char *const rows[] = {"",         "-1",
                                       "1.5",      "1 G",
                                       "G",        "1P",
                                       "1GB",      "0x1",
                                       "+1",       " 1",
                                       "1 ",       "1152921504606846977",
                                       "1048577T", "99999999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes = 7;
        assert_int_equal(ss_amount_read(&bytes, rows[i]), -1);
        assert_true(bytes == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_read),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
