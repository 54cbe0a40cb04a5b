/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are no plugins, under the public host: arguments, variables, lines, readiness. */
#include "hosted.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void arguments_arrive_as_they_are(void **unused)
{
    const char *const argv[] = {
        "-c", "printf '<%s>' \"$@\"; echo; exit 7", "sh", "two words", "", "q\"'\\", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    hosted_start(h);
    assert_int_equal(ssp_host_exit_status(h->host), -1);
    UNTIL(h, h->dead);
    assert_string_equal(h->said, "<two words><><q\"'\\>|");
    assert_int_equal(ssp_host_exit_status(h->host), 7);
    assert_int_equal(h->ready, 0);
    hosted_free(h);
}

static void variables_are_added_replaced_and_removed(void **unused)
{
    const char *const argv[] = {"-c", "echo \"$ONE,$SS_REMOTE_PORT,${SS_REMOTE_HOST-gone},$SS\"",
                                NULL};
    const char *const variables[] = {"ONE=a=b", "SS_REMOTE_PORT=x", "SS_REMOTE_HOST",
                                     "SS=y",    "NOTHING",          NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->conf.variables = variables;
    hosted_start(h);
    UNTIL(h, h->dead);
    assert_string_equal(h->said, "a=b,x,gone,y|");
    hosted_free(h);
}

static void it_is_ready_when_the_program_says_so(void **unused)
{
    const char *const argv[] = {"-c", "echo up; exec sleep 60", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->declares = true;
    hosted_start(h);
    UNTIL(h, h->ready == 1);
    ssp_host_declare_ready(h->host);
    assert_int_equal(h->ready, 1);
    hosted_free(h);
}

static void nobody_may_say_it_for_one_that_only_has_to_run(void **unused)
{
    const char *const argv[] = {"-c", "exec sleep 60", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->conf.ready = SSP_READY_STARTED;
    hosted_start(h);
    ssp_host_declare_ready(h->host);
    assert_int_equal(h->ready, 0);
    UNTIL(h, h->ready == 1);
    hosted_free(h);
}

static void a_word_that_does_not_come_is_missed(void **unused)
{
    const char *const argv[] = {"-c", "echo not yet; exec sleep 60", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->conf.ready_ms = 300;
    hosted_start(h);
    UNTIL(h, h->dead);
    assert_non_null(strstr(h->why, "is not ready within 0.3 s; it said: not yet"));
    ssp_host_declare_ready(h->host);
    assert_int_equal(h->ready, 0);
    hosted_free(h);
}

/* The guardian has copies of what the caller has long forgotten. */
static void a_restart_has_the_same_arguments(void **unused)
{
    char script[] = "echo \"$ONE\"; exit 1", variable[] = "ONE=1";
    const char *const argv[] = {"-c", script, NULL};
    const char *const variables[] = {variable, NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    h->conf.variables = variables;
    h->conf.restart = true;
    hosted_start(h);
    memset(script, 'x', sizeof script - 1);
    memset(variable, 'x', sizeof variable - 1);
    UNTIL(h, h->downs == 2);
    assert_memory_equal(h->said, "1|1|", 4);
    hosted_free(h);
}

static void lines_are_cleaned(void **unused)
{
    const char *const argv[] = {"-c", "printf 'a\\033[1Ab\\tc\\302\\233d\\303\\251\\r\\n\\nend'",
                                NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    hosted_start(h);
    UNTIL(h, h->dead);
    assert_string_equal(h->said, "a?[1Ab?c??d\xc3\xa9|end|");
    hosted_free(h);
}

static void a_signal_has_a_status_too(void **unused)
{
    const char *const argv[] = {"-c", "kill -9 $$", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    hosted_start(h);
    UNTIL(h, h->dead);
    assert_int_equal(ssp_host_exit_status(h->host), 128 + 9);
    hosted_free(h);
}

/* ---- a port that is fixed: the program is this one ---- */

static int listener(uint16_t *port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(*port)};
    socklen_t len = sizeof a;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, len) == -1 || listen(fd, 1) == -1 ||
        getsockname(fd, (struct sockaddr *)&a, &len) == -1) {
        (void)close(fd);
        return -1;
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static int listen_as_told(void)
{
    const char *role = getenv("SS_PLUGIN_ROLE");
    bool client = role != NULL && strcmp(role, "client") == 0;
    const char *text = getenv(client ? "SS_LOCAL_PORT" : "SS_REMOTE_PORT");
    uint16_t port = text != NULL ? (uint16_t)strtoul(text, NULL, 10) : 0;
    if (port == 0 || listener(&port) == -1) {
        (void)fprintf(stderr, "bind: Address already in use\n");
        return EXIT_FAILURE;
    }
    for (;;)
        (void)pause();
}

static struct hosted *listener_new(void)
{
    static char self[4096];
    static const char *const argv[] = {"listen", NULL};
    struct hosted *h = hosted_new(argv);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    h->conf.plugin = self;
    h->conf.ready = SSP_READY_LISTENS;
    return h;
}

static struct hosted *listening_on(uint16_t port)
{
    struct hosted *h = listener_new();
    h->conf.local_port = port;
    hosted_start(h);
    return h;
}

static struct hosted *server_on_any_port(void)
{
    struct hosted *h = listener_new();
    h->conf.role = SSP_SERVER;
    h->conf.local_port = 9;
    h->conf.remote_host = "127.0.0.1";
    h->conf.remote_port = 0;
    hosted_start(h);
    return h;
}

static void a_client_may_be_told_its_port(void **unused)
{
    uint16_t port = 0;
    (void)unused;
    (void)close(listener(&port)); /* free a moment ago */
    struct hosted *h = listening_on(port);
    UNTIL(h, h->ready == 1);
    assert_int_equal(ssp_host_port(h->host), port);
    hosted_free(h);
}

/* For a plugin behind another one. */
static void the_port_of_a_server_may_be_chosen_too(void **unused)
{
    (void)unused;
    struct hosted *h = listening_on(0);
    UNTIL(h, h->ready == 1);
    uint16_t first = ssp_host_port(h->host);
    hosted_free(h);
    h = server_on_any_port();
    UNTIL(h, h->ready == 1);
    assert_int_not_equal(first, 0);
    assert_int_not_equal(ssp_host_port(h->host), 0);
    hosted_free(h);
}

static void a_port_that_is_taken_is_not_changed(void **unused)
{
    uint16_t port = 0;
    int taken = listener(&port);
    (void)unused;
    struct hosted *h = listening_on(port);
    UNTIL(h, h->dead);
    assert_int_equal(ssp_host_port(h->host), port);
    assert_int_equal(h->ready, 0);
    assert_non_null(strstr(h->why, "Address already in use"));
    hosted_free(h);
    (void)close(taken);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return listen_as_told();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_arrive_as_they_are),
        cmocka_unit_test(variables_are_added_replaced_and_removed),
        cmocka_unit_test(it_is_ready_when_the_program_says_so),
        cmocka_unit_test(nobody_may_say_it_for_one_that_only_has_to_run),
        cmocka_unit_test(a_word_that_does_not_come_is_missed),
        cmocka_unit_test(a_restart_has_the_same_arguments),
        cmocka_unit_test(lines_are_cleaned),
        cmocka_unit_test(a_signal_has_a_status_too),
        cmocka_unit_test(a_client_may_be_told_its_port),
        cmocka_unit_test(the_port_of_a_server_may_be_chosen_too),
        cmocka_unit_test(a_port_that_is_taken_is_not_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
