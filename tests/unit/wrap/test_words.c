/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct words_place local = {"127.0.0.1", "1984"}, remote = {"2001:db8::1", "443"};

/* The words of line in angle brackets, or what is wrong with it. */
static const char *split(const char *line)
{
    static char text[512];
    struct words words = {.n = 0};
    size_t len = 0;
    if (words_split(&words, line, &local, &remote, text, sizeof text) == 0) {
        text[0] = '\0';
        for (size_t i = 0; i < words.n; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "<%s>", words.word[i]);
        assert_null(words.word[words.n]);
    }
    words_release(&words);
    return text;
}

#define EXPECT(line, words) assert_string_equal(split(line), words)

static void expect_refused(const char *line, const char *what, const char *where)
{
    const char *why = split(line);
    if (strstr(why, what) == NULL || strstr(why, where) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\" and \"%s\"", line, why, what, where);
}

static void blanks_separate(void **unused)
{
    (void)unused;
    EXPECT("a", "<a>");
    EXPECT("  kcptun-client\t-l  x\n", "<kcptun-client><-l><x>");
}

static void quotes_hold_together(void **unused)
{
    (void)unused;
    EXPECT("a 'b c' \"d  e\"", "<a><b c><d  e>");
    EXPECT("a'b c'd\"e f\"", "<ab cde f>");
    EXPECT("a '' \"\" b", "<a><><><b>");
    EXPECT("'it\"s' \"it's\"", "<it\"s><it's>");
}

static void a_backslash_protects(void **unused)
{
    (void)unused;
    EXPECT("a\\ b \\' \\\\ \\n", "<a b><'><\\><n>");
    EXPECT("'a\\ b'", "<a\\ b>");
    EXPECT("\"\\\" \\\\ \\$ \\` \\n\"", "<\" \\ $ ` \\n>");
}

static void nothing_else_has_a_meaning(void **unused)
{
    (void)unused;
    EXPECT("a $HOME *.c | > & `x` #y ~", "<a><$HOME><*.c><|><>><&><`x`><#y><~>");
}

static void placeholders_become_addresses(void **unused)
{
    (void)unused;
    EXPECT("%L %R", "<127.0.0.1:1984><[2001:db8::1]:443>");
    EXPECT("%lh %lp %rh %rp", "<127.0.0.1><1984><2001:db8::1><443>");
    EXPECT("TCP-LISTEN:%lp,bind=%lh", "<TCP-LISTEN:1984,bind=127.0.0.1>");
    EXPECT("'%L' \"x %R\" 100%% '%%'", "<127.0.0.1:1984><x [2001:db8::1]:443><100%><%>");
    EXPECT("%Lh", "<127.0.0.1:1984h>");
}

static void a_protected_percent_sign_is_one(void **unused)
{
    (void)unused;
    EXPECT("\\%L", "<%L>");
}

static void what_has_no_end_is_refused(void **unused)
{
    (void)unused;
    expect_refused("a 'b", "quote '", "byte 2");
    expect_refused("a b\"c\\\"", "quote \"", "byte 3");
    expect_refused("a b\\", "backslash", "byte 3");
}

static void unknown_placeholders_are_refused(void **unused)
{
    (void)unused;
    expect_refused("a %x", "%x", "byte 2");
    expect_refused("a 'b %l'", "%l", "byte 5");
    expect_refused("a %", "placeholder", "byte 2");
    expect_refused("%h", "%h", "byte 0");
}

static void without_addresses_there_are_no_placeholders(void **unused)
{
    struct words words = {.n = 0};
    char why[128];
    (void)unused;
    assert_int_equal(words_split(&words, "a '%L' %", NULL, NULL, why, sizeof why), 0);
    assert_string_equal(words.word[1], "%L");
    assert_string_equal(words.word[2], "%");
    words_release(&words);
}

static void nothing_is_no_command(void **unused)
{
    (void)unused;
    expect_refused("", "is empty", "the command");
    expect_refused(" \t ", "is empty", "the command");
}

/* Each beginning of a line that has everything is split or refused, and that is all. */
static void every_beginning_is_survived(void **unused)
{
    static const char all[] = "a 'b %L c' \"d \\\" %rp\" \\ %% x%R'y'\\\\\"%lh\"";
    char line[sizeof all];
    (void)unused;
    for (size_t n = 0; n < sizeof all; n++) {
        (void)snprintf(line, n + 1, "%s", all);
        assert_non_null(split(line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_separate),
        cmocka_unit_test(quotes_hold_together),
        cmocka_unit_test(a_backslash_protects),
        cmocka_unit_test(nothing_else_has_a_meaning),
        cmocka_unit_test(placeholders_become_addresses),
        cmocka_unit_test(a_protected_percent_sign_is_one),
        cmocka_unit_test(what_has_no_end_is_refused),
        cmocka_unit_test(unknown_placeholders_are_refused),
        cmocka_unit_test(without_addresses_there_are_no_placeholders),
        cmocka_unit_test(nothing_is_no_command),
        cmocka_unit_test(every_beginning_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
