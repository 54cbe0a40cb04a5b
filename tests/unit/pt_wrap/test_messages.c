/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/discreet.h"
#include "pt-wrap/messages.h"
#include "scarce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct pt_messages messages;

/* Lines joined by newlines, to a new listener. */
static enum pt_progress hear_as(ssp_role role, bool proxy, const char *lines)
{
    enum pt_progress stage = PT_SILENT;
    pt_messages_end(&messages);
    pt_messages_begin(&messages, role, "obfs4", proxy);
    while (*lines != '\0') {
        char line[PT_MESSAGES_PIECE];
        size_t n = strcspn(lines, "\n");
        assert_true(n < sizeof line);
        (void)snprintf(line, sizeof line, "%.*s", (int)n, lines);
        stage = pt_messages_read(&messages, line);
        lines += n + (lines[n] == '\n');
    }
    return stage;
}

static void refuses(ssp_role role, const char *lines, int status, const char *words)
{
    assert_int_equal(hear_as(role, false, lines), PT_REFUSED);
    assert_int_equal(messages.status, status);
    if (strstr(messages.why, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", messages.why, words);
}

static void a_client_learns_where_to_go(void **state)
{
    (void)state;
    assert_int_equal(
        hear_as(SSP_CLIENT, false, "VERSION 1\nCMETHOD obfs4 socks5 127.0.0.1:4040\nCMETHODS DONE"),
        PT_READY);
    assert_string_equal(messages.place.ip, "127.0.0.1");
    assert_int_equal(messages.place.port, 4040);
    assert_false(messages.socks4);
    assert_int_equal(
        hear_as(SSP_CLIENT, false, "VERSION 1\nCMETHOD obfs4 socks4 [::1]:9\nCMETHODS DONE"),
        PT_READY);
    assert_true(messages.socks4);
    assert_string_equal(messages.place.ip, "::1");
}

static void a_server_learns_what_clients_need(void **state)
{
    (void)state;
    assert_int_equal(hear_as(SSP_SERVER, false,
                             "VERSION 1\nSMETHOD obfs4 0.0.0.0:443 OTHER ARGS:cert=a\\,b\\=c\\\\,"
                             "iat-mode=0\nSMETHODS DONE"),
                     PT_READY);
    assert_string_equal(pt_args_get(&messages.args, "cert"), "a,b=c\\");
    assert_string_equal(pt_args_get(&messages.args, "iat-mode"), "0");
    assert_int_equal(hear_as(SSP_SERVER, false, "VERSION 1\nSMETHOD obfs4 [::]:443\nSMETHODS DONE"),
                     PT_READY);
    assert_int_equal(messages.args.n, 0);
}

static void other_transports_and_other_words_change_nothing(void **state)
{
    (void)state;
    assert_int_equal(
        hear_as(SSP_CLIENT, false,
                "2026/01/31 [NOTICE]: launched\nVERSION 1\nLOG SEVERITY=debug MESSAGE=\"x\"\n"
                "CMETHOD-ERROR obfs3 broken\nCMETHOD obfs2 socks7 nowhere\n\n"
                "CMETHOD obfs4 socks5 127.0.0.1:1\nSTATUS TYPE=version VERSION=1\nCMETHODS DONE"),
        PT_READY);
    assert_int_equal(pt_messages_read(&messages, "ENV-ERROR much too late"), PT_READY);
}

static void errors_end_it_in_their_own_words(void **state)
{
    (void)state;
    refuses(SSP_CLIENT, "VERSION-ERROR no-version", SSP_EXIT_CONFIG, "VERSION-ERROR no-version");
    refuses(SSP_SERVER, "ENV-ERROR no dir", SSP_EXIT_CONFIG, "ENV-ERROR no dir");
    refuses(SSP_CLIENT, "VERSION 1\nENV-ERROR no dir", SSP_EXIT_CONFIG, "ENV-ERROR no dir");
    refuses(SSP_CLIENT, "VERSION 1\nPROXY-ERROR bad", SSP_EXIT_CONFIG, "PROXY-ERROR bad");
    refuses(SSP_CLIENT, "VERSION 1\nCMETHOD-ERROR obfs4 no", SSP_EXIT_CONFIG, "CMETHOD-ERROR no");
    refuses(SSP_SERVER, "VERSION 1\nSMETHOD-ERROR obfs4 bind: address already in use",
            SSP_EXIT_UNAVAIL, "in use");
}

static void what_is_malformed_or_out_of_order_ends_it(void **state)
{
    (void)state;
    refuses(SSP_CLIENT, "VERSION 2", SSP_EXIT_CONFIG, "which is not supported");
    refuses(SSP_CLIENT, "VERSION", SSP_EXIT_CONFIG, "which is not supported");
    refuses(SSP_CLIENT, "CMETHODS DONE", SSP_EXIT_CONFIG, "out of order");
    refuses(SSP_CLIENT, "VERSION 1\nVERSION 1", SSP_EXIT_CONFIG, "out of order");
    refuses(SSP_CLIENT, "VERSION 1\nSMETHODS DONE", SSP_EXIT_CONFIG, "other role");
    refuses(SSP_CLIENT, "VERSION 1\nCMETHODS", SSP_EXIT_CONFIG, "DONE");
    refuses(SSP_CLIENT, "VERSION 1\nCMETHODS DONE", SSP_EXIT_CONFIG, "has no transport obfs4");
    refuses(SSP_CLIENT, "VERSION 1\nCMETHOD obfs4", SSP_EXIT_CONFIG, "neither socks4");
    static const char *const places[] = {"",       "1.2.3.4", "1.2.3.4:0",   "1.2.3.4:65536",
                                         "a.b:1",  "::1:1",   "[1.2.3.4]:1", "[::1]",
                                         "[::1:1", ":1"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char lines[128];
        (void)snprintf(lines, sizeof lines, "VERSION 1\nCMETHOD obfs4 socks5 %s", places[i]);
        refuses(SSP_CLIENT, lines, SSP_EXIT_CONFIG, "no address");
    }
    static const char *const args[] = {"k", "=v", ",", "k=v,", "k=\\", "k=v,,l=w", "\\"};
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        char lines[128];
        (void)snprintf(lines, sizeof lines, "VERSION 1\nSMETHOD obfs4 1.2.3.4:1 ARGS:%s", args[i]);
        bool trailing = strcmp(args[i], "k=v,") == 0; /* nothing follows: nothing is wrong */
        if (trailing)
            assert_int_equal(hear_as(SSP_SERVER, false, lines), PT_SPEAKING);
        else
            refuses(SSP_SERVER, lines, SSP_EXIT_CONFIG, "malformed");
    }
}

static void a_proxy_must_be_acknowledged(void **state)
{
    (void)state;
    static const char silent[] = "VERSION 1\nCMETHOD obfs4 socks5 127.0.0.1:1\nCMETHODS DONE";
    static const char said[] =
        "VERSION 1\nPROXY DONE\nCMETHOD obfs4 socks5 127.0.0.1:1\nCMETHODS DONE";
    assert_int_equal(hear_as(SSP_CLIENT, true, silent), PT_REFUSED);
    assert_non_null(strstr(messages.why, "would bypass the proxy"));
    assert_int_equal(hear_as(SSP_CLIENT, true, said), PT_READY);
    assert_int_equal(hear_as(SSP_CLIENT, true, "VERSION 1\nPROXY MAYBE"), PT_REFUSED);
}

/* Whatever the pieces: one line, up to the limit. */
static void long_lines_come_in_pieces(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 900, 1100, 5000, 60000, 70000};
    char piece[PT_MESSAGES_PIECE + 1];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        static char line[80000];
        int n = snprintf(line, sizeof line, "SMETHOD obfs4 1.2.3.4:1 ARGS:k=");
        memset(line + n, 'x', lengths[i]);
        line[(size_t)n + lengths[i]] = '\0';
        (void)hear_as(SSP_SERVER, false, "VERSION 1");
        for (const char *at = line;; at += PT_MESSAGES_PIECE) {
            (void)snprintf(piece, sizeof piece, "%.*s", PT_MESSAGES_PIECE, at);
            (void)pt_messages_read(&messages, piece);
            if (strlen(piece) < PT_MESSAGES_PIECE)
                break;
        }
        enum pt_progress stage = pt_messages_read(&messages, "SMETHODS DONE");
        assert_int_equal(stage, lengths[i] < PT_MESSAGES_LINE ? PT_READY : PT_REFUSED);
        if (stage == PT_READY)
            assert_int_equal(strlen(pt_args_get(&messages.args, "k")), lengths[i]);
    }
}

/* A line that was missed would be waited for. */
static void a_line_that_finds_no_memory_ends_it(void **state)
{
    (void)state;
    (void)hear_as(SSP_CLIENT, false, "VERSION 1\nCMETHOD obfs4 socks5 127.0.0.1:1");
    scarce_from(1, false);
    enum pt_progress stage = pt_messages_read(&messages, "CMETHODS DONE");
    scarce_from(0, false);
    assert_int_equal(stage, PT_REFUSED);
    assert_int_equal(messages.status, SSP_EXIT_OS);
    assert_string_equal(messages.why, "out of memory");
}

static void giving_up_names_the_transport(void **state)
{
    (void)state;
    (void)hear_as(SSP_CLIENT, false, "");
    pt_messages_give_up(&messages, SSP_EXIT_CONFIG, "ended");
    assert_string_equal(messages.why,
                        "the transport program ended and has not offered obfs4: is it a "
                        "managed pluggable transport?");
}

static void the_log_has_no_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"SMETHOD obfs4 1.2.3.4:1 ARGS:cert=secret,iat-mode=0",
         "SMETHOD obfs4 1.2.3.4:1 ARGS:(not logged)"},
        {"a ARGS:secret b ARGS:secret c", "a ARGS:(not logged) b ARGS:(not logged) c"},
        {"nothing", "nothing"},
        {"", ""},
        {"ARGS:", "ARGS:(not logged)"},
    };
    char out[128];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pt_discreet(out, sizeof out, rows[i].text);
        assert_string_equal(out, rows[i].clean);
    }
    for (size_t cap = 1; cap < 64; cap++) {
        pt_discreet(out, cap, "some words and ARGS:secret");
        assert_true(strlen(out) < cap);
        assert_null(strstr(out, "secret"));
    }
}

static int forget(void **state)
{
    (void)state;
    pt_messages_end(&messages);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_learns_where_to_go),
        cmocka_unit_test(a_server_learns_what_clients_need),
        cmocka_unit_test(other_transports_and_other_words_change_nothing),
        cmocka_unit_test(errors_end_it_in_their_own_words),
        cmocka_unit_test(what_is_malformed_or_out_of_order_ends_it),
        cmocka_unit_test(a_proxy_must_be_acknowledged),
        cmocka_unit_test(long_lines_come_in_pieces),
        cmocka_unit_test(a_line_that_finds_no_memory_ends_it),
        cmocka_unit_test(giving_up_names_the_transport),
        cmocka_unit_test(the_log_has_no_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
