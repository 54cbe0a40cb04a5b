/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/exposition.h"

static void writes(const char *value, const char *expected)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    struct ss_label label[] = {{"absent", NULL}, {"user", value}, {"port", "1"}};
    ss_exposition_sample(out, "m", label, 3, UINT64_MAX);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void a_value_is_escaped(void **state)
{
    (void)state;
    writes("a", "m{user=\"a\",port=\"1\"} 18446744073709551615\n");
    writes("", "m{user=\"\",port=\"1\"} 18446744073709551615\n");
    writes("\"} 1\nm{x=\\", "m{user=\"\\\"} 1\\nm{x=\\\\\",port=\"1\"} 18446744073709551615\n");
    writes("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
           "m{user=\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\",port=\"1\"} 18446744073709551615\n");
}

/* Bytes that are no UTF-8, each: a scraper would refuse all. */
static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\x80", "\xff", "\xc3", "\xc0", "\xe2", "\xf5", "\xf0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        writes(wrong[i], "m{user=\"\xef\xbf\xbd\",port=\"1\"} 18446744073709551615\n");
    writes("\xed\xa0\x80", "m{user=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",port=\"1\"} "
                           "18446744073709551615\n"); /* a surrogate */
    writes("\xc3\"", "m{user=\"\xef\xbf\xbd\\\"\",port=\"1\"} 18446744073709551615\n");
}

static void a_sample_without_labels_has_no_braces(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    ss_exposition_family(out, "m", "gauge", "Help.");
    ss_exposition_sample(out, "m", NULL, 0, 7);
    ss_exposition_thousandths(out, "m", NULL, 0, 1042);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "# HELP m Help.\n# TYPE m gauge\nm 7\nm 1.042\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_escaped),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(a_sample_without_labels_has_no_braces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
