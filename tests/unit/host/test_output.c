/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/output.h"

#include <ssplugin/log.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "within.h"

/* A plugin's end of a pipe, the reader at the other, and what has been heard and logged: lines,
 * each ended by '|'. */
struct fixture {
    int pipe[2];
    struct ssp__output output;
    uint64_t now_ms;
    char heard[8192], logged[8192];
    ssp_log_level level; /* of the last line */
};

static void append(char text[8192], const char *line)
{
    size_t len = strlen(text);
    (void)snprintf(text + len, 8192 - len, "%s|", line);
}

static void hear(void *arg, const char *line)
{
    append(((struct fixture *)arg)->heard, line);
}

static void count_line(void *arg, const char *line)
{
    (void)line;
    ++*(unsigned long *)arg;
}

static void note_line(void *arg, ssp_log_level level, const char *text)
{
    static const char prefix[] = "plugin talker[7]: ";
    struct fixture *s = arg;
    s->level = level;
    assert_memory_equal(text, prefix, sizeof prefix - 1);
    append(s->logged, text + sizeof prefix - 1);
}

static int set_up(void **state)
{
    struct fixture *s = calloc(1, sizeof *s);
    if (s == NULL || pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC) == -1)
        return -1;
    s->now_ms = 1000;
    s->output = (struct ssp__output){.on_line = hear, .arg = s};
    ssp__output_begin(&s->output, "talker", 7);
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

static void say(struct fixture *s, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(write(s->pipe[1], text, n), (ssize_t)n);
    while (ssp__output_read(&s->output, s->pipe[0], s->now_ms))
        continue;
}

static const char *last_words(const struct fixture *s)
{
    const char *line[SSP_OUTPUT_LAST];
    unsigned n = ssp__output_last(&s->output, line);
    return n > 0 ? line[n - 1] : NULL;
}

static void a_line_is_the_same_in_any_pieces(void **state)
{
    struct fixture *s = *state;
    const char text[] = "one\ntalker: two\r\n\n\nthree\nun";
    for (size_t i = 0; i + 1 < sizeof text; i++)
        say(s, (const char[]){text[i], '\0'});
    assert_string_equal(s->logged, "one|two|three|");
    say(s, "finished");
    ssp__output_end(&s->output);
    assert_string_equal(s->logged, "one|two|three|unfinished|");
}

static void a_name_that_the_plugin_says_itself_is_not_said_twice(void **state)
{
    struct fixture *s = *state;
    say(s, "talker: hello\n");
    assert_string_equal(s->logged, "hello|");
    assert_string_equal(last_words(s), "hello");
    assert_string_equal(s->heard, "talker: hello|"); /* who reads lines gets them as they are */
}

static void what_only_looks_like_the_name_stays(void **state)
{
    static const char *const lines[] = {
        "talker",     "talker:",          "talker: ",     "talker:x",    "talker : x",
        "talkers: x", "talk: x",          "Talker: x",    "a talker: x", " talker: x",
        "tal",        "talker\ttalker: ", "talker[7]: x",
    };
    struct fixture *s = *state;
    char expected[256] = "";
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        say(s, lines[i]);
        say(s, "\n");
        size_t len = strlen(expected);
        (void)snprintf(expected + len, sizeof expected - len, "%s|",
                       strchr(lines[i], '\t') != NULL ? "talker\\x09talker: " : lines[i]);
    }
    assert_string_equal(s->logged, expected);
}

static void one_name_is_taken_away_not_all(void **state)
{
    struct fixture *s = *state;
    say(s, "talker: talker: x\n");
    assert_string_equal(s->logged, "talker: x|");
}

/* The second piece of a long line begins with what would be a name at the start of a line. */
static void the_middle_of_a_line_is_no_start(void **state)
{
    struct fixture *s = *state;
    char piece[SSP_OUTPUT_LINE + 1];
    memset(piece, 'x', SSP_OUTPUT_LINE);
    piece[SSP_OUTPUT_LINE] = '\0';
    say(s, piece);
    say(s, "talker: y\ntalker: z\n");
    assert_non_null(strstr(s->logged, "x|talker: y|z|"));
    assert_int_equal(strspn(s->heard, "x"), SSP_OUTPUT_LINE);
    assert_string_equal(s->heard + SSP_OUTPUT_LINE, "|talker: y|talker: z|");
}

/* The log has its own lines, which are shorter: several of them have it all. */
static void a_long_line_is_in_the_log_to_its_end(void **state)
{
    struct fixture *s = *state;
    char line[SSP_OUTPUT_LINE + 2];
    size_t shown = 0;
    memset(line, 'x', SSP_OUTPUT_LINE);
    memcpy(line + SSP_OUTPUT_LINE - 2, "yz\n", 4);
    say(s, line);
    for (const char *c = s->logged; *c != '\0'; c++)
        shown += *c != '|';
    assert_int_equal(shown, SSP_OUTPUT_LINE);
    assert_non_null(strstr(s->logged, "xyz|"));
}

/* A line of exactly that length has no second piece. */
static void a_full_line_has_one_end(void **state)
{
    struct fixture *s = *state;
    char piece[SSP_OUTPUT_LINE + 1];
    memset(piece, 'x', SSP_OUTPUT_LINE);
    piece[SSP_OUTPUT_LINE] = '\0';
    say(s, piece);
    say(s, "\ntalker: z\n");
    assert_string_equal(s->heard + SSP_OUTPUT_LINE, "|talker: z|");
    assert_non_null(strstr(s->logged, "x|z|"));
}

static void the_next_plugin_begins_a_line(void **state)
{
    struct fixture *s = *state;
    char piece[SSP_OUTPUT_LINE + 2];
    memset(piece, 'x', sizeof piece - 1);
    piece[sizeof piece - 1] = '\0';
    say(s, piece);
    ssp__output_begin(&s->output, "talker", 7);
    say(s, "talker: hello\n");
    assert_non_null(strstr(s->logged, "x|hello|"));
}

static void control_characters_reach_nobody(void **state)
{
    struct fixture *s = *state;
    say(s, "a\033[1A\x7f\xc2\x9b|\xc3\xa9\n");
    assert_string_equal(s->heard, "a?[1A???|\xc3\xa9|");
    assert_string_equal(s->logged, "a\\x1b[1A\\x7f\\xc2\\x9b|\xc3\xa9|");
}

static ssp_log_level level_of(struct fixture *s, const char *line)
{
    say(s, line);
    return s->level;
}

static void complaints_about_options_are_errors(void **state)
{
    static const char *const lines[] = {
        "option obfs: is required: the disguise\n", "option obfs: \"htp\" is not one of http|tls\n",
        "option transport is missing: such as transport=obfs4\n", "invalid method\n"};
    struct fixture *s = *state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_int_equal(level_of(s, lines[i]), SSP_LOG_ERROR);
}

static void warnings_of_a_plugin_that_ends_are_no_errors(void **state)
{
    static const char warning[] = "[Warning] failed to serve http > use of closed connection\n";
    struct fixture *s = *state;
    assert_int_equal(level_of(s, warning), SSP_LOG_ERROR);
    s->output.ending = true;
    assert_int_equal(level_of(s, warning), SSP_LOG_INFO);
    assert_int_equal(level_of(s, "[Error] failed to write\n"), SSP_LOG_ERROR);
    assert_int_equal(level_of(s, "cannot write the state: No space left\n"), SSP_LOG_ERROR);
}

static void colours_are_removed(void **state)
{
    struct fixture *s = *state;
    say(s, "\033[32mINFO\033[0m \033[1;38;5;4mhello\033[K\n\033[0m\n");
    assert_string_equal(s->logged, "INFO hello|");
    assert_string_equal(s->heard, "INFO hello|");
}

static void an_error_is_logged_as_one(void **state)
{
    static const struct {
        const char *line;
        ssp_log_level level;
    } rows[] = {
        {"dial 192.0.2.1:443: Connection refused", SSP_LOG_ERROR},
        {"2026/11/30 02:55:04 [Error] it stops", SSP_LOG_ERROR},
        {"time=\"x\" level=error msg=\"y\"", SSP_LOG_ERROR},
        {" 2026-11-30 02:55:04 [simple-obfs] ERROR: bind: Address already in use", SSP_LOG_ERROR},
        {"[Warning] failed to process outbound traffic > dial tcp: connection refused",
         SSP_LOG_ERROR},
        {"panic: runtime error: index out of range", SSP_LOG_ERROR},
        {"thread 'main' panicked at src/main.rs:5:10:", SSP_LOG_ERROR},
        {"open /etc/key.pem: permission denied", SSP_LOG_ERROR},
        {"[Info] a retry failed", SSP_LOG_INFO},
        {"2026-11-30 [simple-obfs] INFO: an error is a word here", SSP_LOG_INFO},
        {"[Warning] V2Ray 4.45.2 started", SSP_LOG_INFO},
        {"connections 7, live 0, bytes up 7, down 7, foreign 1, failed 3", SSP_LOG_INFO},
        {"errors=0, failed=0, done without error", SSP_LOG_INFO},
        {"failover to 127.0.0.1:80, terror=no", SSP_LOG_INFO},
        {"listening at 127.0.0.1:8388", SSP_LOG_INFO},
    };
    struct fixture *s = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        say(s, rows[i].line);
        say(s, "\n");
        if (s->level != rows[i].level)
            fail_msg("%s", rows[i].line);
    }
}

/* Behind what happened come registers, traces and the help of the program. */
static void the_telling_line_is_found(void **state)
{
    static const struct {
        const char *said, *telling;
    } rows[] = {
        {"one\ntwo\n", "two"},
        {"starts\npanic: runtime error: index out of range [3]\n\n"
         "goroutine 1 [running]:\nmain.main()\nrax 0x0\nrbx 0x0\nrcx 0x0\nrdx 0x0\nrdi 0x0\n"
         "rsi 0x0\nfs     0x0\ngs     0x0\n",
         "panic: runtime error: index out of range [3]"},
        {"fatal error: all goroutines are asleep - deadlock!\npanic: again\ngs 0x0\n",
         "fatal error: all goroutines are asleep - deadlock!"},
        {"thread 'main' panicked at src/main.rs:5:10:\ncalled `Option::unwrap()` on a `None` "
         "value\n"
         "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
         "thread 'main' panicked at src/main.rs:5:10: called `Option::unwrap()` on a `None` value"},
        {"thread 'main' panicked at 'no such key', src/main.rs:5:10\n"
         "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
         "thread 'main' panicked at 'no such key', src/main.rs:5:10"},
        {"Incorrect Usage: flag provided but not defined: -x\n\nNAME:\n   gost\nUSAGE:\n   a\n",
         "Incorrect Usage: flag provided but not defined: -x"},
        {"error: unexpected argument '--x' found\n\nUsage: p [OPTIONS]\n\n"
         "For more information, try '--help'.\n",
         "error: unexpected argument '--x' found"},
        {"\033[31merror:\033[0m no key\nusage: p\n", "error: no key"},
        {"ERROR: bind: Address already in use\nERROR: Could not bind\nERROR: bind() error\n",
         "ERROR: bind: Address already in use"},
    };
    struct fixture *s = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ssp__output_begin(&s->output, "talker", 7);
        say(s, rows[i].said);
        assert_string_equal(ssp__output_telling(&s->output), rows[i].telling);
    }
}

/* An error of long ago has nothing to do with an end of today. */
static void an_old_error_tells_nothing(void **state)
{
    struct fixture *s = *state;
    say(s, "error: a client went away\n");
    s->now_ms += 60000;
    say(s, "stopping\n");
    assert_string_equal(ssp__output_telling(&s->output), "stopping");
    say(s, "error: the second\n");
    s->now_ms += 500;
    say(s, "error: the third\n");
    assert_string_equal(ssp__output_telling(&s->output), "error: the third");
}

static unsigned long fill(struct fixture *s)
{
    static const char line[] = "0123456789abcde\n";
    unsigned long lines = 0;
    while (write(s->pipe[1], line, sizeof line - 1) > 0)
        lines++;
    return lines;
}

/* The first turn of a flood shows the burst; from then on a turn leaves the end only. */
static void of_a_flood_the_end_is_read(void **state)
{
    struct fixture *s = *state;
    const char *last[SSP_OUTPUT_LAST];
    s->output.on_line = NULL;
    unsigned long lines = fill(s);
    assert_true(ssp__output_read(&s->output, s->pipe[0], s->now_ms));
    int waiting = 0;
    assert_int_equal(ioctl(s->pipe[0], FIONREAD, &waiting), 0);
    assert_within((size_t)waiting, 1, 16384);
    lines += fill(s);
    while (ssp__output_read(&s->output, s->pipe[0], s->now_ms))
        continue;
    assert_int_equal(s->output.pace.dropped + 100, lines);
    assert_int_equal(ssp__output_last(&s->output, last), SSP_OUTPUT_LAST);
    assert_string_equal(last[SSP_OUTPUT_LAST - 1], "0123456789abcde");
}

/* A line without an end is a flood as well, and the next one is whole again. */
static void a_line_without_end_is_skipped(void **state)
{
    struct fixture *s = *state;
    char x[4096];
    memset(x, 'x', sizeof x);
    s->output.on_line = NULL;
    s->output.pace = (struct ssp__ratelimit){.refilled_ms = s->now_ms};
    for (int i = 0; i < 8; i++) {
        while (write(s->pipe[1], x, sizeof x) > 0)
            continue;
        assert_true(ssp__output_read(&s->output, s->pipe[0], s->now_ms));
        int waiting = 0;
        assert_int_equal(ioctl(s->pipe[0], FIONREAD, &waiting), 0);
        assert_within((size_t)waiting, 1, 16384);
        s->now_ms += 20; /* earns a line */
    }
    say(s, "\nhello\n");
    const char *said = strstr(s->logged, "hello|");
    assert_non_null(said);
    assert_int_equal(said[-1], '|');
}

/* A program that waits for a line gets all of them. */
static void a_listener_hears_a_flood(void **state)
{
    struct fixture *s = *state;
    unsigned long lines = 0;
    s->output.on_line = count_line;
    s->output.arg = &lines;
    unsigned long sent = fill(s);
    while (ssp__output_read(&s->output, s->pipe[0], s->now_ms))
        continue;
    assert_int_equal(lines, sent);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(of_a_flood_the_end_is_read),
        TEST(a_line_without_end_is_skipped),
        TEST(a_listener_hears_a_flood),
        TEST(a_line_is_the_same_in_any_pieces),
        TEST(a_name_that_the_plugin_says_itself_is_not_said_twice),
        TEST(what_only_looks_like_the_name_stays),
        TEST(one_name_is_taken_away_not_all),
        TEST(the_middle_of_a_line_is_no_start),
        TEST(a_long_line_is_in_the_log_to_its_end),
        TEST(a_full_line_has_one_end),
        TEST(the_next_plugin_begins_a_line),
        TEST(control_characters_reach_nobody),
        TEST(complaints_about_options_are_errors),
        TEST(warnings_of_a_plugin_that_ends_are_no_errors),
        TEST(colours_are_removed),
        TEST(an_error_is_logged_as_one),
        TEST(the_telling_line_is_found),
        TEST(an_old_error_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
