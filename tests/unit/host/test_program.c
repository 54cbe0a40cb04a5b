/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are no plugins, under the public host: arguments, variables, lines, readiness. */
#include <ssplugin/host.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURN_MS = 20, TURNS = 1500, WHY_MAX = 1024 };

struct hosted {
    struct ssp_loop *loop;
    struct ssp_host *host;
    struct ssp_host_conf conf;
    unsigned ready, downs;
    bool dead, declares; /* declares: ready as soon as a line comes */
    char why[WHY_MAX];
    char said[8192]; /* lines, each ended by '|' */
};

static void became_ready(void *arg)
{
    struct hosted *h = arg;
    h->ready++;
}

static void went_down(void *arg, const char *why)
{
    struct hosted *h = arg;
    (void)why;
    h->downs++;
}

static void died(void *arg, const char *why)
{
    struct hosted *h = arg;
    h->dead = true;
    (void)snprintf(h->why, sizeof h->why, "%s", why);
}

static void said(void *arg, const char *line)
{
    struct hosted *h = arg;
    size_t len = strlen(h->said);
    (void)snprintf(h->said + len, sizeof h->said - len, "%s|", line);
    if (h->declares)
        ssp_host_declare_ready(h->host);
}

static struct hosted *hosted_new(const char *const *argv)
{
    struct hosted *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->loop = ssp_loop_new();
    assert_non_null(h->loop);
    h->conf = (struct ssp_host_conf){.size = sizeof h->conf,
                                     .plugin = "/bin/sh",
                                     .role = SSP_CLIENT,
                                     .remote_host = "192.0.2.1",
                                     .remote_port = 9,
                                     .local_host = "127.0.0.1",
                                     .ready_ms = 20000,
                                     .grace_ms = 2000,
                                     .on_ready = became_ready,
                                     .on_down = went_down,
                                     .on_death = died,
                                     .arg = h,
                                     .argv = argv,
                                     .ready = SSP_READY_SAID,
                                     .on_line = said};
    return h;
}

static void hosted_start(struct hosted *h)
{
    char why[WHY_MAX] = "";
    h->host = ssp_host_start(h->loop, &h->conf, why, sizeof why);
    if (h->host == NULL)
        fail_msg("%s", why);
}

#define UNTIL(h, condition)                                                                        \
    for (int turns = 0; !(condition); turns++) {                                                   \
        if (turns == TURNS)                                                                        \
            fail_msg("never: %s; said \"%s\", died \"%s\"", #condition, (h)->said, (h)->why);      \
        assert_int_equal(ssp_loop_turn((h)->loop, TURN_MS), 0);                                    \
    }

static void hosted_free(struct hosted *h)
{
    ssp_host_stop(h->host);
    ssp_loop_free(h->loop);
    free(h);
}

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
    const char *const argv[] = {"-c", "printf 'a\\033[1mb\\tc\\r\\n\\nend'", NULL};
    struct hosted *h = hosted_new(argv);
    (void)unused;
    hosted_start(h);
    UNTIL(h, h->dead);
    assert_string_equal(h->said, "a?[1mb?c|end|");
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
