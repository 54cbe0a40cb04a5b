/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of a plugin process to its host, and its notices. */
#include <ssplugin/lifecycle.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int pipe_fd[2];

static int open_pipe(void **unused)
{
    (void)unused;
    return pipe2(pipe_fd, O_NONBLOCK | O_CLOEXEC);
}

static int close_pipe(void **unused)
{
    (void)unused;
    (void)close(pipe_fd[0]);
    return close(pipe_fd[1]);
}

static void assert_told(const char *expected)
{
    char text[8192] = "";
    ssize_t n = read(pipe_fd[0], text, sizeof text - 1);
    assert_int_equal(n, (ssize_t)strlen(expected));
    assert_string_equal(text, expected);
}

static void each_line_is_written_whole(void **unused)
{
    (void)unused;
    assert_int_equal(ssp_notify_ready(pipe_fd[1]), 0);
    assert_told("READY=1\n");
    assert_int_equal(ssp_notify(pipe_fd[1], "STATUS", "client listening at [::1]:1"), 0);
    assert_told("STATUS=client listening at [::1]:1\n");
}

static void counters_have_their_order(void **unused)
{
    const ssp_stats stats = {.size = sizeof stats,
                             .live = 1,
                             .connections = 2,
                             .up = 3,
                             .down = UINT64_MAX,
                             .foreign = 5,
                             .failed = 6,
                             .wire_up = 7,
                             .wire_down = 8};
    (void)unused;
    assert_int_equal(ssp_notify_stats(pipe_fd[1], &stats), 0);
    assert_told("STATS=conns=2 live=1 up=3 down=18446744073709551615 foreign=5 fail=6 "
                "wire-up=7 wire-down=8\n");
}

static void control_characters_cannot_make_a_second_line(void **unused)
{
    (void)unused;
    assert_int_equal(ssp_notify(pipe_fd[1], "STATUS", "a\nREADY=1\r\x7f\t"), 0);
    assert_told("STATUS=a?READY=1???\n");
}

static void a_line_of_4096_bytes_is_written_and_a_longer_one_is_not(void **unused)
{
    char value[4100], expected[4200];
    (void)unused;
    memset(value, 'x', sizeof value);
    value[4096 - 3] = '\0';
    (void)snprintf(expected, sizeof expected, "K=%s\n", value);
    assert_int_equal(ssp_notify(pipe_fd[1], "K", value), 0);
    assert_told(expected);
    value[4096 - 3] = 'x';
    value[4096 - 2] = '\0';
    errno = 0;
    assert_int_equal(ssp_notify(pipe_fd[1], "K", value), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(read(pipe_fd[0], value, 1), -1);
}

static void nobody_to_tell_is_no_error(void **unused)
{
    (void)unused;
    assert_int_equal(ssp_notify_ready(-1), 0);
}

/* The descriptor would block: the line is lost. */
static void a_host_that_does_not_read_stops_nothing(void **unused)
{
    char lines[4096];
    (void)unused;
    memset(lines, 'x', sizeof lines);
    while (write(pipe_fd[1], lines, sizeof lines) > 0)
        continue;
    (void)fcntl(pipe_fd[1], F_SETFL, 0);
    (void)alarm(10);
    errno = 0;
    assert_int_equal(ssp_notify_ready(pipe_fd[1]), -1);
    assert_int_equal(errno, EAGAIN);
    (void)alarm(0);
}

static void a_host_that_is_gone_is_an_error_of_that_line(void **unused)
{
    int closed = dup(pipe_fd[0]);
    (void)unused;
    (void)close(closed);
    (void)signal(SIGPIPE, SIG_IGN);
    errno = 0;
    assert_int_equal(ssp_notify_ready(closed), -1);
    assert_int_equal(errno, EBADF);
    (void)dup2(closed = open("/dev/null", O_RDONLY | O_CLOEXEC), pipe_fd[0]);
    (void)close(closed);
    assert_int_equal(ssp_notify_ready(pipe_fd[1]), -1);
    assert_int_equal(errno, EPIPE);
}

static void the_input_is_a_lifeline_only_when_the_host_says_so(void **unused)
{
    (void)unused;
    (void)unsetenv("SS_EXIT_ON_STDIN_CLOSE");
    assert_int_equal(ssp_lifecycle_input_fd(), -1);
    (void)setenv("SS_EXIT_ON_STDIN_CLOSE", "0", 1);
    assert_int_equal(ssp_lifecycle_input_fd(), -1);
    (void)setenv("SS_EXIT_ON_STDIN_CLOSE", "1", 1);
    assert_int_equal(ssp_lifecycle_input_fd(), 0);
    (void)unsetenv("SS_EXIT_ON_STDIN_CLOSE");
}

/* ---- in a process of its own ---- */

static int status_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int a_known_state(void)
{
    struct sigaction now;
    sigset_t mask;
    (void)sigfillset(&mask);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    (void)signal(SIGABRT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_DFL);
    for (int fd = 0; fd <= 2; fd++)
        (void)close(fd);
    if (ssp_lifecycle_begin() != 0)
        return 1;
    if (fcntl(0, F_GETFL) == -1 || fcntl(1, F_GETFL) == -1 || fcntl(2, F_GETFL) == -1)
        return 2;
    (void)sigaction(SIGABRT, NULL, &now);
    if (now.sa_handler != SIG_DFL)
        return 3;
    (void)sigaction(SIGPIPE, NULL, &now);
    if (now.sa_handler != SIG_IGN)
        return 4;
    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, SIGTERM) == 0 ? 0 : 5;
}

static void it_begins_in_a_known_state(void **unused)
{
    (void)unused;
    pid_t pid = fork();
    if (pid == 0)
        _exit(a_known_state());
    assert_int_equal(status_of(pid), 0);
}

/* The grandchild tells by the pipe; it dies of the alarm if it never becomes an orphan. */
static void orphan(void)
{
    char answer = ssp_lifecycle_begin() == 0 && !ssp_lifecycle_orphaned() ? 'y' : 'n';
    (void)alarm(30);
    if (write(pipe_fd[1], &answer, 1) != 1)
        _exit(1);
    while (!ssp_lifecycle_orphaned())
        (void)usleep(1000);
    _exit(write(pipe_fd[1], "o", 1) == 1 ? 0 : 1);
}

static void a_process_knows_when_it_has_become_an_orphan(void **unused)
{
    char seen = '\0';
    (void)unused;
    (void)fcntl(pipe_fd[0], F_SETFL, 0);
    pid_t parent = fork();
    if (parent == 0) {
        if (fork() == 0)
            orphan();
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(pipe_fd[0], &seen, 1), 1);
    assert_int_equal(seen, 'y');
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_int_equal(read(pipe_fd[0], &seen, 1), 1);
    assert_int_equal(seen, 'o');
}

/* The answer of the function in a process that has been handed descriptor 3 like this. */
static int handed(bool listening, const char *fds, bool for_us)
{
    pid_t pid = fork();
    if (pid != 0)
        return status_of(pid);
    char text[16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (listening && listen(fd, 1) == -1)
        _exit(99);
    if (dup2(fd, 3) == -1)
        _exit(98);
    (void)snprintf(text, sizeof text, "%d", (int)getpid() + !for_us);
    (void)setenv("LISTEN_PID", text, 1);
    (void)setenv("LISTEN_FDS", fds, 1);
    int got = ssp_lifecycle_listen_fd();
    _exit(got == -1 ? 1 : got == 3 && (fcntl(3, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 2);
}

static void a_listening_socket_is_taken_only_if_it_is_one_and_ours(void **unused)
{
    (void)unused;
    assert_int_equal(handed(true, "1", true), 0);
    assert_int_equal(handed(true, "2", true), 0);
    assert_int_equal(handed(true, "0", true), 1);
    assert_int_equal(handed(true, "1", false), 1);
    assert_int_equal(handed(false, "1", true), 1);
}

#define WITH_PIPE(name) cmocka_unit_test_setup_teardown(name, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PIPE(each_line_is_written_whole),
        WITH_PIPE(counters_have_their_order),
        WITH_PIPE(control_characters_cannot_make_a_second_line),
        WITH_PIPE(a_line_of_4096_bytes_is_written_and_a_longer_one_is_not),
        cmocka_unit_test(nobody_to_tell_is_no_error),
        WITH_PIPE(a_host_that_does_not_read_stops_nothing),
        WITH_PIPE(a_host_that_is_gone_is_an_error_of_that_line),
        cmocka_unit_test(the_input_is_a_lifeline_only_when_the_host_says_so),
        cmocka_unit_test(it_begins_in_a_known_state),
        WITH_PIPE(a_process_knows_when_it_has_become_an_orphan),
        cmocka_unit_test(a_listening_socket_is_taken_only_if_it_is_one_and_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
