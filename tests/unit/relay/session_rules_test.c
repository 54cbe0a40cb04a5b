/* SPDX-License-Identifier: Apache-2.0 */
/* Connections whose codec breaks a rule, diverts them, or is a stack. */
#include "breakers.h"
#include "session_rig.h"

#include <ssplugin/drive.h>
#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct log {
    pthread_mutex_t lock;
    char text[4096];
};

static void keep_line(void *arg, ssp_log_level level, const char *text)
{
    struct log *log = arg;
    (void)level;
    (void)pthread_mutex_lock(&log->lock);
    size_t n = strlen(log->text);
    (void)snprintf(log->text + n, sizeof log->text - n, "%s\n", text);
    (void)pthread_mutex_unlock(&log->lock);
}

/* Some have written something before they break their rule. */
static void expect_reset_at_last(int fd)
{
    char bytes[4096];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        ;
    assert_int_equal(n, -1);
    assert_int_equal(errno, ECONNRESET);
}

/* Ends one connection after the other, says why, and serves the next one. */
static void a_codec_that_breaks_a_rule_loses_its_connection_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < BREAKERS; i++) {
        const ssp_codec codec = CODEC("wrong", breakers[i].fn, breakers[i].fn);
        struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
        char line[128];
        struct rig r;
        ssp_log_redirect(keep_line, &log);
        rig_open(&r, &codec, SSP_DIALED);
        rig_start(&r);
        for (int round = 0; round < 2; round++) {
            int client = connect_to(r.port);
            send_text(client, "x");
            int target = accept_from(r.target_fd);
            expect_reset_at_last(target);
            (void)close(target);
            (void)close(client);
        }
        rig_close(&r);
        ssp_log_redirect(NULL, NULL);
        (void)snprintf(line, sizeof line, "test: codec wrong %s: connection ended",
                       breakers[i].rule);
        assert_non_null(strstr(log.text, line));
    }
}

static void a_broken_rule_of_a_server_is_absorbed_like_any_failure(void **state)
{
    const ssp_codec wrong = CODEC("wrong", spins, spins);
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    (void)state;
    ssp_log_redirect(keep_line, &log);
    expect_absorbed(&wrong, "x");
    ssp_log_redirect(NULL, NULL);
    assert_non_null(strstr(log.text, "codec wrong answers OK without progress"));
}

/* Passes one byte, fails at the next, and says why. */
CODEC_FN(excuse)
{
    bool *passed = state;
    size_t len;
    (void)ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    if (*passed) {
        ssp_conn_why(conn, "%s", "one is enough");
        return SSP_FAIL;
    }
    *passed = true;
    ssp_pass(io, 1);
    return SSP_OK;
}

static const ssp_codec excuse_codec = {.size = sizeof(ssp_codec),
                                       .name = "excuse",
                                       .state_size = sizeof(bool),
                                       .wrap = codec_clear,
                                       .unwrap = excuse};

/* The two bytes go from the wire side to the plain one. */
static void fail_at_the_second_byte(enum ssp__side coded)
{
    struct rig r;
    rig_open(&r, &excuse_codec, coded);
    r.eager = true;
    rig_start(&r);
    int client = connect_to(r.port), target = accept_from(r.target_fd);
    int wire = coded == SSP_ACCEPTED ? client : target;
    int plain = coded == SSP_ACCEPTED ? target : client;
    send_text(wire, "x");
    expect_text(plain, "x");
    send_text(wire, "y");
    expect_reset(plain);
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* Strangers may cause what a server says: that is for its verbose log. */
static void a_client_says_why_its_codec_fails_and_a_server_does_not(void **state)
{
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    (void)state;
    ssp_log_redirect(keep_line, &log);
    fail_at_the_second_byte(SSP_ACCEPTED);
    assert_string_equal(log.text, "");
    fail_at_the_second_byte(SSP_DIALED);
    ssp_log_redirect(NULL, NULL);
    assert_string_equal(log.text, "test: one is enough\n");
}

/* ---- connections that go elsewhere ---- */

/* Changes its mind when it is too late. */
CODEC_FN(regret)
{
    UNUSED;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    if (*in == '?') {
        ssp_conn_divert(conn);
        ssp_skip(io, 1);
    } else {
        ssp_pass(io, 1);
    }
    return SSP_OK;
}

static const ssp_codec regret_codec = CODEC("regret", codec_clear, regret);

static void a_diverted_connection_goes_to_the_fallback_through_the_codec(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r);
    rig_start(&r);
    for (int split = 0; split < 2; split++) {
        int client = connect_to(r.port);
        send_text(client, split ? "?" : "?hello");
        int server = accept_from(web);
        if (split)
            send_text(client, "hello");
        expect_text(server, "hello");
        send_text(server, "page");
        expect_text(client, ">page");
        (void)close(server);
        expect_end(client);
        (void)close(client);
    }
    int client = connect_to(r.port);
    send_text(client, "+ours");
    int target = accept_from(r.target_fd);
    expect_text(target, "ours");
    (void)close(target);
    (void)close(client);
    (void)close(web);
    rig_close(&r);
}

static void a_diverted_connection_without_a_fallback_is_drained(void **state)
{
    (void)state;
    expect_absorbed(&sort_codec, "?hello");
}

static void a_connection_that_is_diverted_too_late_ends(void **state)
{
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    (void)state;
    struct rig r;
    ssp_log_redirect(keep_line, &log);
    rig_open(&r, &regret_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    expect_text(target, "x");
    send_text(client, "?");
    expect_reset(target);
    expect_nobody(web);
    (void)close(target);
    (void)close(client);
    (void)close(web);
    rig_close(&r);
    ssp_log_redirect(NULL, NULL);
    assert_non_null(strstr(log.text, "codec regret diverts a connection too late"));
}

/* ---- stacks ---- */

/* The inner layer does not know the stranger: it goes on through the outer one. */
static void a_stack_diverts_what_an_inner_layer_disowns(void **state)
{
    static const void *const no_conf[2];
    ssp_stack *stack =
        ssp_stack_new((const ssp_codec *const[]){&greeting_codec, &sort_codec}, no_conf, 2);
    (void)state;
    struct rig r;
    rig_open(&r, ssp_stack_codec(stack), SSP_ACCEPTED);
    r.service.conf = stack;
    int web = rig_fallback(&r);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "+GET /");
    int server = accept_from(web);
    expect_text(server, "GET /");
    send_text(server, "page");
    expect_text(client, ">page");
    (void)close(server);
    expect_end(client);
    (void)close(client);
    client = connect_to(r.port);
    send_text(client, "+hithere");
    expect_text(client, ">ho");
    int target = accept_from(r.target_fd);
    expect_text(target, "there");
    (void)close(target);
    (void)close(client);
    (void)close(web);
    rig_close(&r);
    ssp_stack_free(stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_codec_that_breaks_a_rule_loses_its_connection_only),
        cmocka_unit_test(a_broken_rule_of_a_server_is_absorbed_like_any_failure),
        cmocka_unit_test(a_client_says_why_its_codec_fails_and_a_server_does_not),
        cmocka_unit_test(a_diverted_connection_goes_to_the_fallback_through_the_codec),
        cmocka_unit_test(a_diverted_connection_without_a_fallback_is_drained),
        cmocka_unit_test(a_connection_that_is_diverted_too_late_ends),
        cmocka_unit_test(a_stack_diverts_what_an_inner_layer_disowns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
