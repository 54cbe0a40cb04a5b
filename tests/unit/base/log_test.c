/* SPDX-License-Identifier: Apache-2.0 */
/* The log sink, with pipes and a terminal in place of stdout and stderr.  Linked with --wrap=poll,
 * so that a signal can come in between. */
#include "within.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { OUTPUT_MAX = 65536 };

static int interruptions; /* of the next calls of poll() */

int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (interruptions == 0)
        return __real_poll(fds, n, timeout);
    interruptions--;
    errno = EINTR;
    return -1;
}

/* A standard stream that has been turned away. */
struct capture {
    int stream, saved, read_fd;
    char text[OUTPUT_MAX];
};

static void divert(struct capture *c, int stream, int write_fd, int read_fd)
{
    *c = (struct capture){.stream = stream, .saved = dup(stream), .read_fd = read_fd};
    assert_int_not_equal(dup2(write_fd, stream), -1);
    (void)close(write_fd);
    assert_int_not_equal(fcntl(read_fd, F_SETFL, O_NONBLOCK), -1);
}

static void divert_to_pipe(struct capture *c, int stream)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    divert(c, stream, fd[1], fd[0]);
}

/* The text written since the last call. */
static const char *heard(struct capture *c)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(c->read_fd, c->text + len, sizeof c->text - 1 - len)) > 0)
        len += (size_t)n;
    c->text[len] = '\0';
    return c->text;
}

static void restore(struct capture *c)
{
    (void)dup2(c->saved, c->stream);
    (void)close(c->saved);
    (void)close(c->read_fd);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    bool hit = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0 &&
               regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return hit;
}

static void by_default_a_plugin_speaks_on_stderr(void **unused)
{
    struct capture err;
    (void)unused;
    divert_to_pipe(&err, STDERR_FILENO);
    ssp_info("listening at %s", "127.0.0.1:80");
    ssp_debug("not shown");
    (void)heard(&err);
    restore(&err);
    assert_string_equal(err.text, "ssplugin: listening at 127.0.0.1:80\n");
    assert_false(ssp_log_verbose());
}

static void a_daemon_splits_its_levels_over_two_streams(void **unused)
{
    static struct capture out, err;
    (void)unused;
    (void)fflush(stdout);
    divert_to_pipe(&err, STDERR_FILENO);
    divert_to_pipe(&out, STDOUT_FILENO);
    ssp_log_open(SSP_LOG_DAEMON, "ss-local", true);
    ssp_info("one");
    ssp_error("two");
    ssp_debug("three");
    (void)heard(&out);
    (void)heard(&err);
    restore(&out);
    restore(&err);
#define STAMP " [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} "
    assert_true(matches(out.text, "^" STAMP "INFO: one\n" STAMP "INFO: three\n$"));
    assert_true(matches(err.text, "^" STAMP "ERROR: two\n$"));
    assert_true(ssp_log_verbose());
}

static void debug_lines_need_verbose(void **unused)
{
    struct capture err;
    (void)unused;
    divert_to_pipe(&err, STDERR_FILENO);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    ssp_debug("hidden");
    ssp_log_open(SSP_LOG_PLUGIN, "p", true);
    ssp_debug("shown");
    (void)heard(&err);
    restore(&err);
    assert_string_equal(err.text, "p: shown\n");
}

static void control_characters_cannot_forge_a_line(void **unused)
{
    struct capture err;
    (void)unused;
    divert_to_pipe(&err, STDERR_FILENO);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    ssp_error("a\nb\tc\x1b[31md\x7f \xc3\xa9");
    (void)heard(&err);
    restore(&err);
    assert_string_equal(err.text, "p: a\\x0ab\\x09c\\x1b[31md\\x7f \xc3\xa9\n");
}

/* Stray bytes, C1 controls, overlong forms and surrogates; whole characters of each length stay. */
static void only_printable_utf8_reaches_the_log(void **unused)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"\x9b"
         "31m",
         "p: \\x9b31m\n"},
        {"\xc2\x9b", "p: \\xc2\\x9b\n"},
        {"\xc0\xaf", "p: \\xc0\\xaf\n"},
        {"\xe0\x80\x8a", "p: \\xe0\\x80\\x8a\n"},
        {"\xed\xa0\x80", "p: \\xed\\xa0\\x80\n"},
        {"\xf4\x90\x80\x80", "p: \\xf4\\x90\\x80\\x80\n"},
        {"\xe2\x82", "p: \\xe2\\x82\n"},
        {"\xf0\x9f\x94", "p: \\xf0\\x9f\\x94\n"},
        {"\xff\xfe", "p: \\xff\\xfe\n"},
        {"\xe2\x80\xae", "p: \\xe2\\x80\\xae\n"},
        {"\xd8\x9c\xd8\x9d", "p: \\xd8\\x9c\xd8\x9d\n"},
        {"\xe2\x80\x8d\xe2\x80\x90", "p: \xe2\x80\x8d\xe2\x80\x90\n"},
        {"\xc2\xa0\xe2\x82\xac\xf0\x9f\x94\x8c", "p: \xc2\xa0\xe2\x82\xac\xf0\x9f\x94\x8c\n"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct capture err;
        divert_to_pipe(&err, STDERR_FILENO);
        ssp_log_open(SSP_LOG_PLUGIN, "p", false);
        ssp_error("%s", rows[i].text);
        (void)heard(&err);
        restore(&err);
        assert_string_equal(err.text, rows[i].shown);
    }
}

/* As they would show "exe.txt" for "txt.exe". */
static void no_character_reorders_the_log(void **unused)
{
    static const unsigned hidden[] = {0x61c,  0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b,
                                      0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069};
    (void)unused;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        char text[4] = {(char)(0xe0 | hidden[i] >> 12), (char)(0x80 | (hidden[i] >> 6 & 0x3f)),
                        (char)(0x80 | (hidden[i] & 0x3f)), '\0'};
        if (hidden[i] < 0x800)
            memcpy(text, "\xd8\x9c", 3);
        struct capture err;
        divert_to_pipe(&err, STDERR_FILENO);
        ssp_log_open(SSP_LOG_PLUGIN, "p", false);
        ssp_error("a%sb", text);
        (void)heard(&err);
        restore(&err);
        assert_null(strstr(err.text, text));
        assert_non_null(strstr(err.text, "p: a\\x"));
    }
}

/* A file on a disk that is full, as far as its size is limited. */
static void a_full_disk_costs_lines_that_are_counted(void **unused)
{
    static char text[OUTPUT_MAX];
    struct rlimit before, small;
    FILE *file = tmpfile();
    (void)unused;
    assert_non_null(file);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    int saved = dup(STDERR_FILENO);
    assert_int_not_equal(dup2(fileno(file), STDERR_FILENO), -1);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    small = (struct rlimit){30, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ssp_error("a line that fits");
    ssp_error("one that is torn");
    ssp_error("one that is lost");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    ssp_error("there is room again");
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    rewind(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    (void)fclose(file);
    assert_true(matches(text, "^p: a line that fits\np: one tha"
                              "\np: 2 log lines dropped: [^\n]+\np: there is room again\n$"));
}

/* Each write fails at once, and nothing is ever said about it. */
static void a_device_that_is_full_is_no_obstacle(void **unused)
{
    (void)unused;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), saved = dup(STDERR_FILENO);
    if (full == -1)
        skip();
    assert_int_not_equal(dup2(full, STDERR_FILENO), -1);
    (void)close(full);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    for (int i = 0; i < 3; i++)
        ssp_error("lost");
    struct capture err;
    int pipe_fd[2];
    assert_int_equal(pipe(pipe_fd), 0);
    divert(&err, STDERR_FILENO, pipe_fd[1], pipe_fd[0]);
    ssp_error("heard");
    (void)heard(&err);
    restore(&err);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    assert_string_equal(err.text, "p: 3 log lines dropped: No space left on device\np: heard\n");
}

static void a_line_is_at_most_one_kibibyte(void **unused)
{
    struct capture err;
    char text[3000];
    (void)unused;
    divert_to_pipe(&err, STDERR_FILENO);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    memset(text, 'x', sizeof text);
    ssp_error("%.*s", (int)sizeof text, text);
    assert_int_equal(strlen(heard(&err)), 1024);
    assert_int_equal(err.text[1023], '\n');
    memset(text, '\n', sizeof text);
    ssp_error("%.*s", (int)sizeof text, text);
    size_t len = strlen(heard(&err));
    restore(&err);
    assert_true(len <= 1024);
    assert_int_equal((len - strlen("p: \n")) % strlen("\\x0a"), 0);
}

static void a_reader_that_sleeps_costs_lines_and_not_time(void **unused)
{
    struct capture err;
    char before[OUTPUT_MAX];
    (void)unused;
    divert_to_pipe(&err, STDERR_FILENO);
    assert_int_not_equal(fcntl(STDERR_FILENO, F_SETPIPE_SZ, 8192), -1);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    for (int i = 0; i < 1000; i++)
        ssp_error("line %d", i);
    (void)snprintf(before, sizeof before, "%s", heard(&err));
    ssp_error("awake");
    ssp_error("still");
    (void)heard(&err);
    restore(&err);

    int kept = 0;
    for (const char *p = before; (p = strchr(p, '\n')) != NULL; p++)
        kept++;
    char expected[128];
    (void)snprintf(expected, sizeof expected, "p: %d log lines dropped\np: awake\np: still\n",
                   1000 - kept);
    assert_true(kept > 0 && kept < 1000);
    assert_string_equal(err.text, expected);
}

static void a_signal_costs_no_line(void **unused)
{
    struct capture err;
    (void)unused;
    divert_to_pipe(&err, STDERR_FILENO);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    interruptions = 2;
    ssp_error("still here");
    (void)heard(&err);
    restore(&err);
    assert_string_equal(err.text, "p: still here\n");
}

static void a_closed_stderr_is_harmless(void **unused)
{
    struct capture err;
    (void)unused;
    divert_to_pipe(&err, STDERR_FILENO);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
    (void)close(err.read_fd); /* nobody reads: a write would raise SIGPIPE */
    errno = 0;
    ssp_error("to nobody");
    (void)close(STDERR_FILENO);
    ssp_error("to nothing");
    int after = errno;
    err.read_fd = -1;
    restore(&err);
    assert_int_equal(after, 0);
}

/* Logs one line of each level on a terminal, both streams. */
static void log_on_terminal(struct capture *out, struct capture *err)
{
    int master, slave;
    if (openpty(&master, &slave, NULL, NULL, NULL) == -1)
        skip();
    (void)fflush(stdout);
    divert(err, STDERR_FILENO, dup(slave), dup(master));
    divert(out, STDOUT_FILENO, slave, master);
    ssp_log_open(SSP_LOG_DAEMON, "ss-local", false);
    ssp_info("one");
    ssp_error("two");
    (void)heard(out);
    restore(out);
    restore(err);
    ssp_log_open(SSP_LOG_PLUGIN, "p", false);
}

static void a_terminal_sees_colours_unless_told_not_to(void **unused)
{
    static struct capture out, err;
    (void)unused;
    (void)unsetenv("NO_COLOR");
    log_on_terminal(&out, &err);
    assert_true(matches(out.text, "^\033\\[01;32m" STAMP "INFO: \033\\[0mone\r\n"
                                  "\033\\[01;35m" STAMP "ERROR: \033\\[0mtwo\r\n$"));
    (void)setenv("NO_COLOR", "1", 1);
    log_on_terminal(&out, &err);
    assert_null(strchr(out.text, '\033'));
    (void)unsetenv("NO_COLOR");
}

struct heard {
    ssp_log_level level;
    char text[1100];
    int lines;
};

static void hear(void *arg, ssp_log_level level, const char *text)
{
    struct heard *h = arg;
    h->level = level;
    h->lines++;
    (void)snprintf(h->text, sizeof h->text, "%s", text);
}

static void redirected_lines_come_clean_and_without_a_prefix(void **unused)
{
    struct heard h = {.lines = 0};
    char longest[3000];
    (void)unused;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ssp_log_open(SSP_LOG_PLUGIN, "name", false);
    ssp_log_redirect(hear, &h);
    ssp_error("one\ntwo %d\x1b[31m", 3);
    assert_int_equal(h.level, SSP_LOG_ERROR);
    assert_string_equal(h.text, "one\\x0atwo 3\\x1b[31m");
    ssp_debug("not wanted");
    assert_int_equal(h.lines, 1);
    errno = ENOTTY;
    ssp_info("%s", longest);
    assert_int_equal(errno, ENOTTY);
    assert_int_equal(h.lines, 2);
    assert_int_equal(h.level, SSP_LOG_INFO);
    assert_within(strlen(h.text), 900, 1024);
    ssp_log_open(SSP_LOG_PLUGIN, "name", true);
    ssp_debug("wanted");
    assert_string_equal(h.text, "wanted");
    ssp_log_redirect(NULL, NULL);
    ssp_info("to the style that was opened");
    assert_int_equal(h.lines, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_a_plugin_speaks_on_stderr),
        cmocka_unit_test(a_daemon_splits_its_levels_over_two_streams),
        cmocka_unit_test(debug_lines_need_verbose),
        cmocka_unit_test(control_characters_cannot_forge_a_line),
        cmocka_unit_test(only_printable_utf8_reaches_the_log),
        cmocka_unit_test(no_character_reorders_the_log),
        cmocka_unit_test(a_full_disk_costs_lines_that_are_counted),
        cmocka_unit_test(a_device_that_is_full_is_no_obstacle),
        cmocka_unit_test(a_line_is_at_most_one_kibibyte),
        cmocka_unit_test(a_reader_that_sleeps_costs_lines_and_not_time),
        cmocka_unit_test(a_signal_costs_no_line),
        cmocka_unit_test(a_closed_stderr_is_harmless),
        cmocka_unit_test(a_terminal_sees_colours_unless_told_not_to),
        cmocka_unit_test(redirected_lines_come_clean_and_without_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
