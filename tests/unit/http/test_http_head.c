/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include <ssplugin/codec.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t end_of(const char *text, size_t n, enum ss_http_reading reading)
{
    size_t scanned = 0;
    return ss_http_head_end((const uint8_t *)text, n, &scanned, reading);
}

static void the_end_of_a_head_is_the_same_for_every_split(void **state)
{
    static const char *const heads[] = {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r\n",
                                        "\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char text[64];
        size_t len = strlen(heads[i]);
        memcpy(text, heads[i], len);
        memcpy(text + len, "X\n", 2); /* which is not looked at */
        for (size_t cut = 0; cut < len; cut++) {
            size_t scanned = 0;
            const uint8_t *p = (const uint8_t *)text;
            assert_int_equal(ss_http_head_end(p, cut, &scanned, SS_HTTP_STRICT), 0);
            assert_int_equal(scanned, cut);
            assert_int_equal(ss_http_head_end(p, len + 2, &scanned, SS_HTTP_STRICT), len);
        }
    }
}

static void a_bare_lf_ends_lines_of_responses_only(void **state)
{
    static const char *const heads[] = {"A / B\n\n", "A\r\nB: c\n\r\n", "A\nB: c\r\n\r\n",
                                        "A\n\r\n", "\n"};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        size_t len = strlen(heads[i]);
        assert_int_equal(end_of(heads[i], len, SS_HTTP_STRICT), SSP_NPOS);
        assert_int_equal(end_of(heads[i], len, SS_HTTP_LENIENT), len);
    }
    assert_int_equal(end_of("GET / HTTP/1.1\n", 15, SS_HTTP_STRICT), SSP_NPOS); /* at once */
}

static void a_head_may_have_64_kib_and_is_bounded(void **state)
{
    char *text = malloc(SS_HTTP_HEAD_MAX + 1);
    (void)state;
    assert_non_null(text);
    memset(text, 'a', SS_HTTP_HEAD_MAX + 1);
    assert_int_equal(end_of(text, SS_HTTP_HEAD_MAX - 1, SS_HTTP_STRICT), 0);
    assert_int_equal(end_of(text, SS_HTTP_HEAD_MAX, SS_HTTP_STRICT), SSP_NPOS);
    memcpy(text + 65536, "\r\n\r\n", 4);
    assert_int_equal(end_of(text, SS_HTTP_HEAD_MAX + 1, SS_HTTP_STRICT), 65540);
    free(text);
}

struct line {
    const char *text;
    int strict, lenient;
    const char *name, *value;
};

static void a_field_is_a_token_a_colon_and_a_value(void **state)
{
    static const struct line lines[] = {
        {"A: b\r\n\r\n", 1, 1, "A", "b"},
        {"A:b \t\r\n\r\n", 1, 1, "A", "b"},
        {"A:\r\n\r\n", 1, 1, "A", ""},
        {"A: \x80\xff\r\n\r\n", 1, 1, "A", "\x80\xff"},
        {"A : b\r\n\r\n", -1, 1, "A", "b"},
        {"A\t: b\r\n\r\n", -1, 1, "A", "b"},
        {" A: b\r\n\r\n", -1, 1, "A", "b"},
        {"A: b\r\n c\r\n\r\n", 1, 1, "A", NULL},
        {": b\r\n\r\n", -1, -1, NULL, NULL},
        {"A b\r\n\r\n", -1, -1, NULL, NULL},
        {"A b: c\r\n\r\n", -1, -1, NULL, NULL},
        {"A\x01: c\r\n\r\n", -1, -1, NULL, NULL},
        {"A: b\rc\r\n\r\n", -1, -1, NULL, NULL},
        {"A: b\x7f\r\n\r\n", -1, -1, NULL, NULL},
        {"A: b\x01\r\n\r\n", -1, -1, NULL, NULL},
        {"\r\n", 0, 0, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (int lenient = 0; lenient < 2; lenient++) {
            const struct line *l = &lines[i];
            struct ss_http_fields fields = {l->text, l->text + strlen(l->text),
                                            lenient ? SS_HTTP_LENIENT : SS_HTTP_STRICT};
            struct ss_http_field field;
            int rc = ss_http_field_next(&fields, &field);
            assert_int_equal(rc, lenient ? l->lenient : l->strict);
            if (rc != 1)
                continue;
            assert_int_equal(field.name.len, strlen(l->name));
            assert_memory_equal(field.name.at, l->name, field.name.len);
            if (l->value != NULL)
                assert_int_equal(field.value.len, strlen(l->value));
        }
    }
}

static void a_folded_field_is_refused_or_one_field(void **state)
{
    static const char text[] = "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n";
    struct ss_http_field field;
    (void)state;
    struct ss_http_fields strict = {text, text + sizeof text - 1, SS_HTTP_STRICT};
    assert_int_equal(ss_http_field_next(&strict, &field), 1);
    assert_int_equal(ss_http_field_next(&strict, &field), -1);
    struct ss_http_fields lenient = {text, text + sizeof text - 1, SS_HTTP_LENIENT};
    assert_int_equal(ss_http_field_next(&lenient, &field), 1);
    assert_int_equal(field.value.len, sizeof("b\r\n c\r\n\td") - 1);
    assert_int_equal(ss_http_field_next(&lenient, &field), 1);
    assert_int_equal(field.name.at[0], 'E');
    assert_int_equal(ss_http_field_next(&lenient, &field), 0);
}

static void numbers_are_digits_of_63_bits(void **state)
{
    uint64_t number;
    (void)state;
    assert_int_equal(ss_http_number(SS_HTTP_TEXT("9223372036854775807"), &number), 0);
    assert_int_equal(number, INT64_MAX);
    assert_int_equal(ss_http_number(SS_HTTP_TEXT("007"), &number), 0);
    assert_int_equal(number, 7);
    static const char *const none[] = {
        "", "-1", "+1", "1 ", " 1", "0x1", "1,1", "9223372036854775808", "99999999999999999999"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(ss_http_number((struct ss_http_text){none[i], strlen(none[i])}, &number),
                         -1);
}

static void words_of_a_list_are_found_in_any_case(void **state)
{
    (void)state;
    assert_true(ss_http_lists(SS_HTTP_TEXT("a, KEEP-alive ,b"), SS_HTTP_TEXT("keep-alive")));
    assert_false(ss_http_lists(SS_HTTP_TEXT("keep-alives, alive"), SS_HTTP_TEXT("keep-alive")));
    assert_false(ss_http_lists(SS_HTTP_TEXT(""), SS_HTTP_TEXT("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_head_is_the_same_for_every_split),
        cmocka_unit_test(a_bare_lf_ends_lines_of_responses_only),
        cmocka_unit_test(a_head_may_have_64_kib_and_is_bounded),
        cmocka_unit_test(a_field_is_a_token_a_colon_and_a_value),
        cmocka_unit_test(a_folded_field_is_refused_or_one_field),
        cmocka_unit_test(numbers_are_digits_of_63_bits),
        cmocka_unit_test(words_of_a_list_are_found_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
