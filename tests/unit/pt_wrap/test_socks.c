/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/args.h"
#include "pt-wrap/socks.h"

#include <ssplugin/drive.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text_) text_, sizeof(text_) - 1
#define GRANTED "\5\0\0\1\0\0\0\0\0\0"

struct end {
    ssp_conf *conf;
    ssp_drive *drive;
};

static void open_end(struct end *end, const char *options)
{
    char why[200] = "";
    end->conf = ssp_conf_new(&pt_socks, SSP_CLIENT, options, why, sizeof why);
    if (end->conf == NULL)
        fail_msg("%s: %s", options, why);
    end->drive = ssp_drive_new(&pt_socks, SSP_CLIENT, ssp_conf_values(end->conf), NULL);
    assert_non_null(end->drive);
}

static void close_end(struct end *end)
{
    assert_null(ssp_drive_broken_rule(end->drive));
    ssp_drive_free(end->drive);
    ssp_conf_free(end->conf);
}

/* The wire has been told exactly this since the last time. */
static void says(struct end *end, const void *bytes, size_t n)
{
    size_t len;
    const uint8_t *said = ssp_drive_output(end->drive, SSP_WRAP, &len);
    assert_int_equal(len, n);
    if (n > 0)
        assert_memory_equal(said, bytes, n);
    ssp_drive_take(end->drive, SSP_WRAP, len);
}

static ssp_verdict user(struct end *end, const char *text)
{
    return ssp_drive_feed(end->drive, SSP_WRAP, text, strlen(text), 0);
}

static ssp_verdict answer(struct end *end, const void *bytes, size_t n)
{
    return ssp_drive_feed(end->drive, SSP_UNWRAP, bytes, n, 0);
}

/* The transport says that the connection stands, and the server's first byte shows that it does. */
static void stands(struct end *end, const void *bytes, size_t n)
{
    assert_int_equal(answer(end, bytes, n), SSP_MORE);
    assert_int_equal(answer(end, BYTES("!")), SSP_CLEAR);
}

static void without_arguments_there_are_two_steps(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, "host=192.0.2.1;port=443");
    assert_int_equal(user(&end, "hello"), SSP_MORE);
    says(&end, BYTES("\5\1\0"));
    assert_int_equal(answer(&end, BYTES("\5\0")), SSP_MORE);
    says(&end, BYTES("\5\1\0\1\xc0\0\2\1\1\xbb"));
    assert_int_equal(user(&end, " world"), SSP_MORE);
    says(&end, "", 0);
    assert_int_equal(answer(&end, BYTES(GRANTED "early")), SSP_CLEAR);
    assert_int_equal(user(&end, "!"), SSP_CLEAR);
    says(&end, BYTES("hello world!"));
    size_t len;
    assert_memory_equal(ssp_drive_output(end.drive, SSP_UNWRAP, &len), "early", 5);
    assert_int_equal(len, 5);
    close_end(&end);
}

static void who_has_said_everything_still_gets_an_answer(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, "host=192.0.2.1;port=443");
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "request", 7, 1), SSP_MORE);
    says(&end, BYTES("\5\1\0"));
    assert_int_equal(answer(&end, BYTES("\5\0")), SSP_MORE);
    says(&end, BYTES("\5\1\0\1\xc0\0\2\1\1\xbb"));
    stands(&end, BYTES(GRANTED));
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, NULL, 0, 1), SSP_END);
    says(&end, BYTES("request"));
    close_end(&end);
}

static void with_arguments_there_are_three(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, "host=example.org;port=1;args=k\\=v");
    (void)user(&end, "x");
    says(&end, BYTES("\5\1\2"));
    (void)answer(&end, BYTES("\5\2"));
    says(&end, BYTES("\1\3k=v\1\0"));
    (void)answer(&end, BYTES("\1\0"));
    says(&end, BYTES("\5\1\0\3\13example.org\0\1"));
    stands(&end, BYTES("\5\0\0\4"
                       "0123456789abcdef"
                       "\0\1"));
    close_end(&end);
}

static void an_ipv6_server_and_a_named_answer(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, "host=2001:db8::1;port=65535");
    (void)user(&end, "x");
    says(&end, BYTES("\5\1\0"));
    (void)answer(&end, BYTES("\5\0"));
    says(&end, BYTES("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\xff\xff"));
    stands(&end, BYTES("\5\0\0\3\3abc\0\1"));
    close_end(&end);
}

static void socks4_has_one_step(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, "socks4;host=192.0.2.1;port=443;args=k\\=v");
    (void)user(&end, "x");
    says(&end, BYTES("\4\1\1\xbb\xc0\0\2\1k=v\0"));
    assert_int_equal(answer(&end, BYTES("\0\x5a\0\0\0\0\0\0y")), SSP_CLEAR);
    close_end(&end);
    open_end(&end, "socks4;host=example.org;port=443");
    (void)user(&end, "x");
    says(&end, BYTES("\4\1\1\xbb\0\0\0\1\0example.org\0"));
    assert_int_equal(answer(&end, BYTES("\0\x5b\0\0\0\0\0\0")), SSP_FAIL);
    close_end(&end);
}

/* 255 bytes fit into the user name alone, 510 into both fields, more is refused. */
static void arguments_have_two_fields(void **state)
{
    (void)state;
    for (size_t n = 1; n <= PT_ARGS_SOCKS_MAX + 1; n++) {
        char options[700], why[200], args[PT_ARGS_SOCKS_MAX + 2];
        uint8_t expected[600];
        size_t head = n < 255 ? n : 255;
        for (size_t i = 0; i < n; i++)
            args[i] = (char)('a' + i % 26);
        args[n] = '\0';
        (void)snprintf(options, sizeof options, "host=a.b;port=1;args=%s", args);
        if (n > PT_ARGS_SOCKS_MAX) {
            assert_null(ssp_conf_new(&pt_socks, SSP_CLIENT, options, why, sizeof why));
            break;
        }
        struct end end;
        open_end(&end, options);
        (void)user(&end, "x");
        says(&end, BYTES("\5\1\2"));
        (void)answer(&end, BYTES("\5\2"));
        expected[0] = 1;
        expected[1] = (uint8_t)head;
        memcpy(expected + 2, args, head);
        expected[2 + head] = (uint8_t)(n > head ? n - head : 1);
        expected[3 + head] = 0;
        memcpy(expected + 3 + head, args + head, n - head);
        says(&end, expected, 3 + head + (n > head ? n - head : 1));
        close_end(&end);
    }
}

/* A refusal at each step, and whatever else is no answer. */
static void refusals_end_it_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *answers[3];
        size_t lengths[3];
        const char *why;
    } rows[] = {
        {{"\5\xff"}, {2}, "refuses the greeting"},
        {{"\5\0"}, {2}, "refuses the greeting"},
        {{"\4\2"}, {2}, "refuses the greeting"},
        {{"HTTP/1.1 400"}, {12}, "refuses the greeting"},
        {{"\5\2", "\1\1"}, {2, 2}, "refuses its arguments"},
        {{"\5\2", "\5\0"}, {2, 2}, "refuses its arguments"},
        {{"\5\2", "\1\0", "\5\1\0\1\0\0\0\0\0\0"}, {2, 2, 10}, "general failure"},
        {{"\5\2", "\1\0", "\5\3\0\1\0\0\0\0\0\0"}, {2, 2, 10}, "network unreachable"},
        {{"\5\2", "\1\0", "\5\4\0\1\0\0\0\0\0\0"}, {2, 2, 10}, "host unreachable"},
        {{"\5\2", "\1\0", "\5\5\0\1\0\0\0\0\0\0"}, {2, 2, 10}, "connection refused"},
        {{"\5\2", "\1\0", "\5\6\0\1\0\0\0\0\0\0"}, {2, 2, 10}, "TTL expired"},
        {{"\5\2", "\1\0", "\5\x99\0\1\0\0\0\0\0\0"}, {2, 2, 10}, "unknown reply code"},
        {{"\5\2", "\1\0", "\5\0\0\2\0\0\0\0\0\0"}, {2, 2, 10}, "unknown address type"},
        {{"\5\2", "\1\0", "\4\0\0\1\0\0\0\0\0\0"}, {2, 2, 10}, "unknown version"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct end end;
        ssp_verdict verdict = SSP_MORE;
        open_end(&end, "host=a.b;port=1;args=secret");
        (void)user(&end, "x");
        for (size_t step = 0; step < 3 && rows[i].answers[step] != NULL; step++)
            verdict = answer(&end, rows[i].answers[step], rows[i].lengths[step]);
        assert_int_equal(verdict, SSP_FAIL);
        assert_non_null(strstr(ssp_drive_why(end.drive), rows[i].why));
        assert_null(strstr(ssp_drive_why(end.drive), "secret"));
        close_end(&end);
    }
}

static void an_end_before_the_end_is_a_failure(void **state)
{
    (void)state;
    static const char whole[] = "\5\2\1\0" GRANTED;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        struct end end;
        open_end(&end, "host=a.b;port=1;args=k");
        (void)user(&end, "x");
        assert_int_equal(ssp_drive_feed(end.drive, SSP_UNWRAP, whole, n, 1), SSP_FAIL);
        assert_non_null(strstr(ssp_drive_why(end.drive), "closes the connection"));
        close_end(&end);
    }
}

static void who_speaks_first_is_no_proxy(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, "host=a.b;port=1");
    assert_int_equal(answer(&end, BYTES("\5\0")), SSP_FAIL);
    close_end(&end);
}

/* Whatever the pieces of the answers, the same is asked, and the same comes through. */
static void every_cut_of_the_answers_is_the_same(void **state)
{
    (void)state;
    static const char answers[] = "\5\2\1\0\5\0\0\3\4host\1\2payload";
    static const char asked[] = "\5\1\2\1\3k=v\1\0\5\1\0\1\x7f\0\0\1\0\7";
    size_t n = sizeof answers - 1;
    for (size_t cut = 0; cut <= n; cut++) {
        for (size_t second = cut; second <= n; second += cut == 0 ? 1 : 3) {
            struct end end;
            size_t len;
            open_end(&end, "host=127.0.0.1;port=7;args=k\\=v");
            (void)user(&end, "up");
            (void)answer(&end, answers, cut);
            (void)answer(&end, answers + cut, second - cut);
            assert_int_equal(answer(&end, answers + second, n - second), SSP_CLEAR);
            assert_memory_equal(ssp_drive_output(end.drive, SSP_UNWRAP, &len), "payload", 7);
            assert_int_equal(len, 7);
            (void)user(&end, "");
            char expected[64];
            memcpy(expected, asked, sizeof asked - 1);
            memcpy(expected + sizeof asked - 1, "up", 2);
            says(&end, expected, sizeof asked - 1 + 2);
            close_end(&end);
        }
    }
}

/* A connection that comes to stand, or does not. */
static void connects(const ssp_conf *conf, const void *request, size_t n, bool granted)
{
    struct end end = {.drive = ssp_drive_new(&pt_socks, SSP_CLIENT, ssp_conf_values(conf), NULL)};
    assert_non_null(end.drive);
    assert_int_equal(user(&end, ""), SSP_MORE);
    says(&end, BYTES("\5\1\0"));
    assert_int_equal(answer(&end, BYTES("\5\0")), SSP_MORE);
    says(&end, request, n);
    if (granted)
        stands(&end, BYTES(GRANTED));
    ssp_drive_free(end.drive);
}

static void of_several_servers_the_next_follows_one_that_fails(void **state)
{
    (void)state;
    static const char one[] = "\5\1\0\1\xc0\0\2\1\1\xbb", two[] = "\5\1\0\3\1b\1\xbb",
                      three[] = "\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb";
    char why[200];
    ssp_conf *conf = ssp_conf_new(&pt_socks, SSP_CLIENT, "host=192.0.2.1|b|[2001:db8::1];port=443",
                                  why, sizeof why);
    assert_non_null(conf);
    connects(conf, one, sizeof one - 1, true);
    connects(conf, one, sizeof one - 1, true);
    connects(conf, one, sizeof one - 1, false);
    connects(conf, two, sizeof two - 1, true);
    connects(conf, two, sizeof two - 1, false);
    connects(conf, three, sizeof three - 1, false);
    connects(conf, one, sizeof one - 1, true);
    ssp_conf_free(conf);
}

/* They were on their way to the same one. */
static void many_that_fail_at_once_move_on_once(void **state)
{
    (void)state;
    struct end end[3];
    open_end(&end[0], "host=192.0.2.1|192.0.2.2|192.0.2.3;port=443");
    for (size_t i = 1; i < 3; i++)
        end[i] = (struct end){
            .drive = ssp_drive_new(&pt_socks, SSP_CLIENT, ssp_conf_values(end[0].conf), NULL)};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(user(&end[i], ""), SSP_MORE);
    for (size_t i = 0; i < 3; i++)
        ssp_drive_free(end[i].drive);
    connects(end[0].conf, BYTES("\5\1\0\1\xc0\0\2\2\1\xbb"), true);
    ssp_conf_free(end[0].conf);
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    static const char *const options[] = {
        "", "host=a", "port=1", "host=a;port=0", "host=;port=1", "socks4;host=::1;port=1",
    };
    char why[200];
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        assert_null(ssp_conf_new(&pt_socks, SSP_CLIENT, options[i], why, sizeof why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_arguments_there_are_two_steps),
        cmocka_unit_test(who_has_said_everything_still_gets_an_answer),
        cmocka_unit_test(with_arguments_there_are_three),
        cmocka_unit_test(an_ipv6_server_and_a_named_answer),
        cmocka_unit_test(socks4_has_one_step),
        cmocka_unit_test(arguments_have_two_fields),
        cmocka_unit_test(refusals_end_it_with_a_reason),
        cmocka_unit_test(an_end_before_the_end_is_a_failure),
        cmocka_unit_test(who_speaks_first_is_no_proxy),
        cmocka_unit_test(every_cut_of_the_answers_is_the_same),
        cmocka_unit_test(of_several_servers_the_next_follows_one_that_fails),
        cmocka_unit_test(many_that_fail_at_once_move_on_once),
        cmocka_unit_test(impossible_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
