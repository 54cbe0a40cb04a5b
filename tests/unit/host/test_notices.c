/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/notices.h"

#include <ssplugin/log.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A plugin's end of a pipe, the reader at the other, and what has been heard and logged. */
struct fixture {
    int pipe[2];
    struct ssp__notices notices;
    uint64_t now_ms;
    unsigned heard, logged;
    char key[SSP_NOTICE_KEY_MAX + 1];
    char value[SSP_NOTICE_MAX + 1];
    char log[256];
};

static void hear(void *arg, const char *key, const char *value)
{
    struct fixture *s = arg;
    s->heard++;
    (void)snprintf(s->key, sizeof s->key, "%s", key);
    (void)snprintf(s->value, sizeof s->value, "%s", value);
}

static void note_line(void *arg, ssp_log_level level, const char *text)
{
    struct fixture *s = arg;
    (void)level;
    s->logged++;
    (void)snprintf(s->log, sizeof s->log, "%s", text);
}

static int set_up(void **state)
{
    struct fixture *s = calloc(1, sizeof *s);
    if (s == NULL || pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC) == -1)
        return -1;
    s->now_ms = 1000;
    s->notices = (struct ssp__notices){.name = "talker", .fn = hear, .arg = s};
    ssp__notices_begin(&s->notices);
    ssp_log_redirect(note_line, s);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *s = *state;
    ssp_log_redirect(NULL, NULL);
    (void)close(s->pipe[0]);
    (void)close(s->pipe[1]);
    free(s);
    return 0;
}

static void say(struct fixture *s, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(s->pipe[1], bytes, n < 4096 ? n : 4096);
        assert_true(written > 0);
        bytes += written;
        n -= (size_t)written;
        while (ssp__notices_read(&s->notices, s->pipe[0], s->now_ms) > 0)
            continue;
    }
}

static void say_text(struct fixture *s, const char *text)
{
    say(s, text, strlen(text));
}

/* key=xxx... of so many bytes in all, and a newline. */
static void say_long(struct fixture *s, size_t n)
{
    char *line = malloc(n + 1);
    assert_non_null(line);
    memset(line, 'x', n);
    memcpy(line, "LONG=", 5);
    line[n] = '\n';
    say(s, line, n + 1);
    free(line);
}

static void expect(const struct fixture *s, unsigned heard, const char *key, const char *value)
{
    assert_int_equal(s->heard, heard);
    assert_string_equal(s->key, key);
    assert_string_equal(s->value, value);
}

static void a_line_is_a_key_and_a_value(void **state)
{
    struct fixture *s = *state;
    say_text(s, "STATUS=one = two\n");
    expect(s, 1, "STATUS", "one = two");
    say_text(s, "CLIENT-OPTIONS=\n");
    expect(s, 2, "CLIENT-OPTIONS", "");
    assert_int_equal(s->logged, 0);
}

static void a_line_is_the_same_in_any_pieces(void **state)
{
    struct fixture *s = *state;
    for (const char *c = "A=1\nB_2=two\nC"; *c != '\0'; c++)
        say(s, c, 1);
    expect(s, 2, "B_2", "two");
    say_text(s, "=3\nD=4\n");
    expect(s, 4, "D", "4");
}

static void control_characters_are_shown_as_question_marks(void **state)
{
    struct fixture *s = *state;
    say_text(s, "STATUS=a\033[31m\tb\x7f\r\xc2\x9b|\xc3\xa9\n");
    expect(s, 1, "STATUS", "a?[31m?b????|\xc3\xa9");
}

static void a_line_may_have_4096_bytes(void **state)
{
    struct fixture *s = *state;
    say_long(s, SSP_NOTICE_MAX);
    assert_int_equal(s->heard, 1);
    assert_int_equal(strlen(s->value), SSP_NOTICE_MAX - 5);
    assert_int_equal(s->logged, 0);
}

static void longer_ones_are_dropped_and_that_is_said_once(void **state)
{
    struct fixture *s = *state;
    say_long(s, SSP_NOTICE_MAX + 1);
    say_long(s, 1000000);
    say_long(s, SSP_NOTICE_MAX + 1);
    assert_int_equal(s->heard, 0);
    assert_int_equal(s->logged, 1);
    assert_non_null(strstr(s->log, "talker"));
    assert_non_null(strstr(s->log, "4096"));
    say_text(s, "STATUS=next\n");
    expect(s, 1, "STATUS", "next");
}

static void what_is_no_notice_is_dropped_and_that_is_said_once(void **state)
{
    static const char *const odd[] = {
        "nothing\n", "=x\n",         "lower=x\n", "A B=x\n",
        " A=x\n",    "\xc3\xa9=x\n", "A\033=x\n", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456=x\n"};
    struct fixture *s = *state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        say_text(s, odd[i]);
    say(s, "A=\0x\n", 5);
    assert_int_equal(s->heard, 0);
    assert_int_equal(s->logged, 1);
    say_text(s, "\n\nABCDEFGHIJKLMNOPQRSTUVWXYZ012345=x\n");
    expect(s, 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "x");
}

static void a_flood_is_cut_but_readiness_comes_through(void **state)
{
    struct fixture *s = *state;
    for (int i = 0; i < 1000; i++)
        say_text(s, "STATS=conns=1\n");
    assert_int_equal(s->heard, 100);
    assert_int_equal(s->logged, 1);
    say_text(s, "READY=1\n");
    expect(s, 101, "READY", "1");
    s->now_ms += 1000;
    for (int i = 0; i < 1000; i++)
        say_text(s, "STATS=conns=1\n");
    assert_int_equal(s->heard, 151);
    assert_int_equal(s->logged, 1);
}

static void the_next_plugin_does_not_end_the_line_of_the_last_one(void **state)
{
    struct fixture *s = *state;
    say_text(s, "STATUS=half of a");
    ssp__notices_begin(&s->notices);
    say_text(s, "READY=1\n");
    expect(s, 1, "READY", "1");
}

static void a_closed_pipe_says_nothing(void **state)
{
    struct fixture *s = *state;
    (void)close(s->pipe[1]);
    assert_int_equal(ssp__notices_read(&s->notices, s->pipe[0], s->now_ms), 0);
    s->pipe[1] = -1;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_a_key_and_a_value),
        TEST(a_line_is_the_same_in_any_pieces),
        TEST(control_characters_are_shown_as_question_marks),
        TEST(a_line_may_have_4096_bytes),
        TEST(longer_ones_are_dropped_and_that_is_said_once),
        TEST(what_is_no_notice_is_dropped_and_that_is_said_once),
        TEST(a_flood_is_cut_but_readiness_comes_through),
        TEST(the_next_plugin_does_not_end_the_line_of_the_last_one),
        TEST(a_closed_pipe_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
