/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/options.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The items as "key=value,key" and "!<byte>" for an error.  The buffer has the least size. */
static void decode(const char *options, char seen[512])
{
    size_t cap = strlen(options) + 2;
    char *buf = malloc(cap);
    const char *cursor = options;
    ssp_item item;
    int rc;
    seen[0] = '\0';
    assert_non_null(buf);
    while ((rc = ssp_options_next(&cursor, buf, cap, &item)) == 1) {
        size_t len = strlen(seen);
        (void)snprintf(seen + len, 512 - len, "%s%s%s%s", len > 0 ? "," : "", item.key,
                       item.value != NULL ? "=" : "", item.value != NULL ? item.value : "");
    }
    if (rc == -1)
        (void)snprintf(seen + strlen(seen), 512 - strlen(seen), "!%td", cursor - options);
    free(buf);
}

static void assert_decoded(const char *options, const char *expected)
{
    char seen[512];
    decode(options, seen);
    assert_string_equal(seen, expected);
}

static void items_are_split_at_semicolons(void **unused)
{
    (void)unused;
    assert_decoded("obfs=http;obfs-host=www.example.com", "obfs=http,obfs-host=www.example.com");
    assert_decoded("fast-open", "fast-open");
}

static void empty_items_are_skipped(void **unused)
{
    (void)unused;
    assert_decoded("", "");
    assert_decoded(";;;", "");
    assert_decoded(";a;;b=1;", "a,b=1");
}

static void the_first_equals_sign_separates(void **unused)
{
    (void)unused;
    assert_decoded("key=a=b==", "key=a=b==");
    assert_decoded("key=", "key=");
}

static void a_backslash_stands_for_what_follows(void **unused)
{
    (void)unused;
    assert_decoded("a\\;b=c\\;d", "a;b=c;d");
    assert_decoded("a\\=b=c", "a=b=c");
    assert_decoded("p=C:\\\\x", "p=C:\\x");
    assert_decoded("p=1.2.3.4\\:80\\n", "p=1.2.3.4:80n");
    assert_decoded("\\=", "=");
}

static void errors_point_at_the_offending_byte(void **unused)
{
    (void)unused;
    assert_decoded("=v", "!0");
    assert_decoded("a=1;;=v", "a=1!5");
    assert_decoded("key\\", "!3");
    assert_decoded("key=value\\", "!9");
    assert_decoded("a;b\\\\\\", "a!5");
}

static void bytes_above_ascii_and_control_characters_pass(void **unused)
{
    (void)unused;
    assert_decoded("k=\xc3\xa9\x01\x7f\xff", "k=\xc3\xa9\x01\x7f\xff");
}

static void a_buffer_that_is_too_small_is_an_error_and_not_an_overflow(void **unused)
{
    (void)unused;
    for (size_t cap = 0; cap < sizeof "key=value"; cap++) {
        char *buf = malloc(cap + 1);
        const char *cursor = "key=value";
        ssp_item item;
        assert_non_null(buf);
        buf[cap] = '#';
        assert_int_equal(ssp_options_next(&cursor, buf, cap, &item), -1);
        assert_int_equal(buf[cap], '#');
        free(buf);
    }
}

static void an_item_of_64_kib_is_read_and_a_longer_one_is_not(void **unused)
{
    size_t cap = SSP_OPTIONS_MAX + 8;
    char *options = malloc(cap), *buf = malloc(cap);
    const char *cursor = options;
    ssp_item item;
    (void)unused;
    assert_non_null(options);
    assert_non_null(buf);
    memset(options, 'x', cap);
    options[1] = '=';
    options[SSP_OPTIONS_MAX + 1] = '\0'; /* key and value together, without the "=" */
    assert_int_equal(ssp_options_next(&cursor, buf, cap, &item), 1);
    assert_int_equal(strlen(item.value), SSP_OPTIONS_MAX - 1);
    options[SSP_OPTIONS_MAX + 1] = 'x';
    options[SSP_OPTIONS_MAX + 2] = '\0';
    cursor = options;
    assert_int_equal(ssp_options_next(&cursor, buf, cap, &item), -1);
    assert_int_equal(cursor - options, SSP_OPTIONS_MAX + 1);
    free(options);
    free(buf);
}

static void what_is_escaped_is_read_back(void **unused)
{
    static const char *const texts[] = {"plain", "a;b", "a=b", "a\\b", "\\;=\\", "x\\"};
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char escaped[64], options[160], expected[160];
        assert_true(ssp_options_escape(escaped, sizeof escaped, texts[i]) < sizeof escaped);
        (void)snprintf(options, sizeof options, "%s=%s;end", escaped, escaped);
        (void)snprintf(expected, sizeof expected, "%s=%s,end", texts[i], texts[i]);
        assert_decoded(options, expected);
    }
}

static void escaping_reports_its_length_like_snprintf(void **unused)
{
    char out[4] = "###";
    (void)unused;
    assert_int_equal(ssp_options_escape(NULL, 0, "a;b"), 4);
    assert_int_equal(ssp_options_escape(out, 1, "a;b"), 4);
    assert_string_equal(out, "");
    assert_int_equal(ssp_options_escape(out, sizeof out, "a;b"), 4);
    assert_string_equal(out, "a\\;");
}

static void a_mistyped_name_is_guessed(void **unused)
{
    static const char *const known[] = {"server", "server_port", "obfs"};
    (void)unused;
    assert_string_equal(ssp_options_guess("sever", known, 3), "server");
    assert_string_equal(ssp_options_guess("server-prot", known, 3), "server_port");
    assert_null(ssp_options_guess("method", known, 3));
    assert_null(ssp_options_guess("server", known, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_split_at_semicolons),
        cmocka_unit_test(empty_items_are_skipped),
        cmocka_unit_test(the_first_equals_sign_separates),
        cmocka_unit_test(a_backslash_stands_for_what_follows),
        cmocka_unit_test(errors_point_at_the_offending_byte),
        cmocka_unit_test(bytes_above_ascii_and_control_characters_pass),
        cmocka_unit_test(a_buffer_that_is_too_small_is_an_error_and_not_an_overflow),
        cmocka_unit_test(an_item_of_64_kib_is_read_and_a_longer_one_is_not),
        cmocka_unit_test(what_is_escaped_is_read_back),
        cmocka_unit_test(escaping_reports_its_length_like_snprintf),
        cmocka_unit_test(a_mistyped_name_is_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
