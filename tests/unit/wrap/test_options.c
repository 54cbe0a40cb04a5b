/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_is_decoded_stays(void **unused)
{
    struct wrap_items items;
    ssp_item item[4];
    (void)unused;
    assert_int_equal(wrap_items_begin(&items, "a=1;;b;c=x\\;y=z;d="), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(wrap_items_next(&items, &item[i]), 1);
    assert_int_equal(wrap_items_next(&items, &item[0]), 0);
    assert_string_equal(item[1].key, "b");
    assert_null(item[1].value);
    assert_string_equal(item[2].value, "x;y=z");
    assert_string_equal(item[3].key, "d");
    assert_string_equal(item[3].value, "");
    wrap_items_end(&items);
    assert_int_equal(wrap_items_begin(&items, NULL), 0);
    assert_int_equal(wrap_items_next(&items, &item[0]), 0);
    wrap_items_end(&items);
}

static void what_is_malformed_is_pointed_at(void **unused)
{
    static const struct {
        const char *options, *byte;
    } rows[] = {{"=", "byte 0"}, {"a;=b", "byte 2"}, {"a=b\\", "byte 3"}, {"a;;b\\", "byte 4"}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wrap_items items;
        ssp_item item;
        char why[64];
        int rc;
        assert_int_equal(wrap_items_begin(&items, rows[i].options), 0);
        while ((rc = wrap_items_next(&items, &item)) == 1)
            ;
        assert_int_equal(rc, -1);
        assert_int_equal(wrap_items_malformed(&items, why, sizeof why), SSP_EXIT_CONFIG);
        assert_string_equal(strstr(why, "byte"), rows[i].byte);
        wrap_items_end(&items);
    }
}

static void seconds_are_decimal_and_limited(void **unused)
{
    static const char *const wrong[] = {"",   "0",   "-1",  "+1",  " 1",
                                        "1 ", "1.5", "0x1", "101", "18446744073709551617"};
    (void)unused;
    assert_int_equal(wrap_seconds(NULL, 100), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(wrap_seconds(wrong[i], 100), 0);
    assert_int_equal(wrap_seconds("1", 100), 1);
    assert_int_equal(wrap_seconds("100", 100), 100);
}

static ssp_role role_of(const char *options)
{
    struct wrap_items items;
    ssp_role role = SSP_ROLE_UNKNOWN;
    ssp_item item;
    assert_int_equal(wrap_items_begin(&items, options), 0);
    while (wrap_items_next(&items, &item) == 1)
        assert_true(wrap_role(&role, item.key, item.value) || strcmp(item.key, "x") == 0);
    wrap_items_end(&items);
    return role;
}

/* As ssp_main() reads them. */
static void roles_are_flags(void **unused)
{
    (void)unused;
    assert_int_equal(role_of("x=server"), SSP_ROLE_UNKNOWN);
    assert_int_equal(role_of("server"), SSP_SERVER);
    assert_int_equal(role_of("server=1"), SSP_SERVER);
    assert_int_equal(role_of("server=0"), SSP_ROLE_UNKNOWN);
    assert_int_equal(role_of("client;server=off"), SSP_CLIENT);
    assert_int_equal(role_of("server;client"), SSP_SERVER);
    assert_int_equal(role_of("client;server"), SSP_SERVER);
}

static void names_have_two_spellings(void **unused)
{
    (void)unused;
    assert_true(wrap_same_name("ext-orport", "ext_orport"));
    assert_false(wrap_same_name("ext-orport", "ext-orpor"));
    assert_false(wrap_same_name("a", "ab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_decoded_stays),
        cmocka_unit_test(what_is_malformed_is_pointed_at),
        cmocka_unit_test(seconds_are_decimal_and_limited),
        cmocka_unit_test(roles_are_flags),
        cmocka_unit_test(names_have_two_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
