/* SPDX-License-Identifier: Apache-2.0 */
/* Every document is one that a JSON reader takes, whatever bytes its texts have. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sheet {
    struct ssp__json json;
    char *text;
    size_t len;
};

static void sheet_open(struct sheet *s, bool pretty)
{
    *s = (struct sheet){.json = {.pretty = pretty}};
    s->json.out = open_memstream(&s->text, &s->len);
    assert_non_null(s->json.out);
}

static void sheet_close(struct sheet *s, const char *expected)
{
    (void)fclose(s->json.out);
    assert_string_equal(s->text, expected);
    free(s->text);
}

static void members_and_levels_are_separated_by_commas(void **unused)
{
    struct sheet s;
    (void)unused;
    sheet_open(&s, false);
    ssp__json_object(&s.json, NULL);
    ssp__json_number(&s.json, "n", INT64_MIN);
    ssp__json_array(&s.json, "list");
    ssp__json_bool(&s.json, NULL, true);
    ssp__json_text(&s.json, NULL, NULL);
    ssp__json_object(&s.json, NULL);
    ssp__json_close(&s.json, '}');
    ssp__json_close(&s.json, ']');
    ssp__json_real(&s.json, "r", 1.0 / 3);
    ssp__json_close(&s.json, '}');
    sheet_close(&s, "{\"n\":-9223372036854775808,\"list\":[true,null,{}],\"r\":0.333}\n");
}

static void pretty_documents_have_a_member_per_line(void **unused)
{
    struct sheet s;
    (void)unused;
    sheet_open(&s, true);
    ssp__json_object(&s.json, NULL);
    ssp__json_array(&s.json, "a");
    ssp__json_number(&s.json, NULL, 1);
    ssp__json_close(&s.json, ']');
    ssp__json_array(&s.json, "b");
    ssp__json_close(&s.json, ']');
    ssp__json_close(&s.json, '}');
    sheet_close(&s, "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}\n");
}

static void two_documents_follow_each_other(void **unused)
{
    struct sheet s;
    (void)unused;
    sheet_open(&s, false);
    for (int i = 0; i < 2; i++) {
        ssp__json_object(&s.json, NULL);
        ssp__json_number(&s.json, "i", i);
        ssp__json_close(&s.json, '}');
    }
    sheet_close(&s, "{\"i\":0}\n{\"i\":1}\n");
}

static void text_is_escaped_and_what_is_no_utf8_is_replaced(void **unused)
{
    static const struct {
        const char *text, *quoted;
    } rows[] = {
        {"", "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\""},
        {"\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\""}, /* two bytes: first and last */
        {"\xe0\xa0\x80\xef\xbf\xbf", "\"\xe0\xa0\x80\xef\xbf\xbf\""},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
        {"\xc0\x80", "\"\\ufffd\\ufffd\""}, /* overlong */
        {"\xc1\xbf", "\"\\ufffd\\ufffd\""},
        {"\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xf0\x8f\xbf\xbf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xed\x9f\xbf", "\"\xed\x9f\xbf\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* a surrogate */
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* beyond U+10FFFF */
        {"\xf5\xff\xfe", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\x80x", "\"\\ufffdx\""},          /* a stray byte */
        {"\xe2\x82", "\"\\ufffd\\ufffd\""}, /* cut at the end of the text */
        {"\xf0\x9f\x92", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xc3(", "\"\\ufffd(\""},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sheet s;
        char *exact = strdup(rows[i].text); /* a sanitizer sees every read past the end */
        sheet_open(&s, false);
        ssp__json_text(&s.json, NULL, exact);
        sheet_close(&s, rows[i].quoted);
        free(exact);
    }
}

static void keys_are_escaped_too(void **unused)
{
    struct sheet s;
    (void)unused;
    sheet_open(&s, false);
    ssp__json_object(&s.json, NULL);
    ssp__json_text(&s.json, "a\"", "b");
    ssp__json_close(&s.json, '}');
    sheet_close(&s, "{\"a\\\"\":\"b\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_levels_are_separated_by_commas),
        cmocka_unit_test(pretty_documents_have_a_member_per_line),
        cmocka_unit_test(two_documents_follow_each_other),
        cmocka_unit_test(text_is_escaped_and_what_is_no_utf8_is_replaced),
        cmocka_unit_test(keys_are_escaped_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
