/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/env.h>
#include <ssplugin/log.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

static const char *const names[] = {"SS_REMOTE_HOST", "SS_REMOTE_PORT",     "SS_LOCAL_HOST",
                                    "SS_LOCAL_PORT",  "SS_PLUGIN_OPTIONS",  "SS_PLUGIN_ROLE",
                                    "SS_PLUGIN_MODE", "SS_PLUGIN_NOTIFY_FD"};

/* The environment of a SIP003 plugin, without the additive variables. */
static int set_four(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
    (void)setenv("SS_REMOTE_HOST", "198.51.100.1", 1);
    (void)setenv("SS_REMOTE_PORT", "8388", 1);
    (void)setenv("SS_LOCAL_HOST", "127.0.0.1", 1);
    return setenv("SS_LOCAL_PORT", "65535", 1);
}

static int read_env(ssp_env *env, char why[256])
{
    why[0] = '\0';
    return ssp_env_read(env, sizeof *env, why, 256);
}

static void four_variables_are_a_host(void **unused)
{
    ssp_env env;
    char why[256];
    (void)unused;
    assert_int_equal(read_env(&env, why), 1);
    assert_string_equal(env.remote_host, "198.51.100.1");
    assert_string_equal(env.remote_port, "8388");
    assert_string_equal(env.local_host, "127.0.0.1");
    assert_string_equal(env.local_port, "65535");
    assert_null(env.options);
    assert_int_equal(env.role, SSP_ROLE_UNKNOWN);
}

static void options_and_role_are_read_when_they_are_there(void **unused)
{
    ssp_env env;
    char why[256];
    (void)unused;
    (void)setenv("SS_PLUGIN_OPTIONS", "obfs=http", 1);
    (void)setenv("SS_PLUGIN_ROLE", "client", 1);
    assert_int_equal(read_env(&env, why), 1);
    assert_string_equal(env.options, "obfs=http");
    assert_int_equal(env.role, SSP_CLIENT);
    (void)setenv("SS_PLUGIN_ROLE", "server", 1);
    assert_int_equal(read_env(&env, why), 1);
    assert_int_equal(env.role, SSP_SERVER);
    (void)setenv("SS_PLUGIN_ROLE", "bystander", 1);
    assert_int_equal(read_env(&env, why), 1);
    assert_int_equal(env.role, SSP_ROLE_UNKNOWN);
}

static void without_a_mode_it_is_tcp_and_nobody_is_notified(void **unused)
{
    ssp_env env;
    char why[256];
    (void)unused;
    assert_int_equal(read_env(&env, why), 1);
    assert_int_equal(env.mode, SSP_TCP_ONLY);
    assert_int_equal(env.notify_fd, -1);
}

static void the_mode_is_one_of_three(void **unused)
{
    static const char *const modes[] = {"tcp_only", "udp_only", "tcp_and_udp"};
    ssp_env env;
    char why[256];
    (void)unused;
    for (int i = 0; i < 3; i++) {
        (void)setenv("SS_PLUGIN_MODE", modes[i], 1);
        assert_int_equal(read_env(&env, why), 1);
        assert_int_equal(env.mode, i);
    }
    (void)setenv("SS_PLUGIN_MODE", "quic_only", 1);
    assert_int_equal(read_env(&env, why), -1);
    assert_string_equal(
        why, "SS_PLUGIN_MODE: \"quic_only\" is none of tcp_only, udp_only and tcp_and_udp");
}

static void the_notify_descriptor_is_kept_from_children_and_never_blocks(void **unused)
{
    ssp_env env;
    char why[256], text[16];
    int fd[2];
    (void)unused;
    assert_int_equal(pipe(fd), 0);
    (void)snprintf(text, sizeof text, "%d", fd[1]);
    (void)setenv("SS_PLUGIN_NOTIFY_FD", text, 1);
    assert_int_equal(read_env(&env, why), 1);
    assert_int_equal(env.notify_fd, fd[1]);
    assert_true((fcntl(fd[1], F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd[1], F_GETFL) & O_NONBLOCK) != 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

static void note_line(void *arg, ssp_log_level level, const char *text)
{
    (void)level;
    (void)snprintf(arg, 256, "%s", text);
}

static void a_notify_descriptor_that_is_none_is_said_and_ignored(void **unused)
{
    static const char *const wrong[] = {
        "x", "-1", "3x", "+3", " 3", "99999", "99999999999999999999"};
    char line[256], why[256];
    ssp_env env;
    (void)unused;
    ssp_log_redirect(note_line, line);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        line[0] = '\0';
        (void)setenv("SS_PLUGIN_NOTIFY_FD", wrong[i], 1);
        assert_int_equal(read_env(&env, why), 1);
        assert_int_equal(env.notify_fd, -1);
        assert_non_null(strstr(line, wrong[i]));
    }
    ssp_log_redirect(NULL, NULL);
}

static void a_caller_with_an_older_struct_gets_what_it_has_room_for(void **unused)
{
    struct {
        ssp_env env;
        int guard;
    } room = {.guard = 42};
    char why[256];
    (void)unused;
    memset(&room.env, 0x5a, sizeof room.env);
    assert_int_equal(ssp_env_read(&room.env, offsetof(ssp_env, mode), why, sizeof why), 1);
    assert_string_equal(room.env.local_host, "127.0.0.1");
    assert_int_equal(*((unsigned char *)&room.env + offsetof(ssp_env, mode)), 0x5a);
    assert_int_equal(room.guard, 42);
}

static void empty_options_are_no_options(void **unused)
{
    ssp_env env;
    char why[256];
    (void)unused;
    (void)setenv("SS_PLUGIN_OPTIONS", "", 1);
    assert_int_equal(read_env(&env, why), 1);
    assert_null(env.options);
}

static void without_any_of_the_four_there_is_no_host(void **unused)
{
    ssp_env env;
    char why[256];
    (void)unused;
    for (size_t i = 0; i < 4; i++)
        (void)unsetenv(names[i]);
    (void)setenv("SS_PLUGIN_OPTIONS", "obfs=http", 1);
    assert_int_equal(read_env(&env, why), 0);
    assert_null(env.remote_host);
    assert_string_equal(env.options, "obfs=http");
}

static void each_missing_variable_is_named(void **unused)
{
    for (size_t i = 0; i < 8; i++) {
        ssp_env env;
        char why[256];
        (void)set_four(unused);
        if (i < 4)
            (void)unsetenv(names[i]);
        else
            (void)setenv(names[i - 4], "", 1);
        assert_int_equal(read_env(&env, why), -1);
        assert_ptr_equal(strstr(why, names[i % 4]), why);
    }
}

static void a_port_out_of_range_is_named_with_its_value(void **unused)
{
    static const char *const wrong[] = {"0",  "65536", "99999", "http", "-1",
                                        "+1", " 1",    "1 ",    "1x"};
    ssp_env env;
    char why[256], expected[256];
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)setenv("SS_REMOTE_PORT", wrong[i], 1);
        assert_int_equal(read_env(&env, why), -1);
        (void)snprintf(expected, sizeof expected,
                       "SS_REMOTE_PORT: \"%s\" is not a port from 1 to 65535", wrong[i]);
        assert_string_equal(why, expected);
    }
    (void)set_four(NULL);
    (void)setenv("SS_LOCAL_PORT", "0", 1);
    assert_int_equal(read_env(&env, why), -1);
    assert_non_null(strstr(why, "SS_LOCAL_PORT"));
}

static void ports_are_decimal_from_1_to_65535(void **unused)
{
    (void)unused;
    assert_int_equal(ssp_port_parse("1"), 1);
    assert_int_equal(ssp_port_parse("65535"), 65535);
    assert_int_equal(ssp_port_parse("00080"), 80);
    assert_int_equal(ssp_port_parse("99999999999999999999999"), -1);
    assert_int_equal(ssp_port_parse(""), -1);
    assert_int_equal(ssp_port_parse(NULL), -1);
    assert_int_equal(ssp_port_parse("0x50"), -1);
}

/* The list as "a,b,!" with "!" for each error. */
static void assert_hosts(const char *list, const char *expected)
{
    char seen[256] = "", host[16];
    int rc;
    for (const char *cursor = list; (rc = ssp_hosts_next(&cursor, host, sizeof host)) != 0;) {
        size_t len = strlen(seen);
        (void)snprintf(seen + len, sizeof seen - len, "%s%s", len > 0 ? "," : "",
                       rc == 1 ? host : "!");
        assert_true(len < 200); /* it must end */
    }
    assert_string_equal(seen, expected);
}

static void host_lists_are_split_at_bars(void **unused)
{
    (void)unused;
    assert_hosts("", "");
    assert_hosts("a", "a");
    assert_hosts("198.51.100.1|example.org|::1", "198.51.100.1,example.org,::1");
}

static void brackets_are_taken_off(void **unused)
{
    (void)unused;
    assert_hosts("[::1]|[2001:db8::1]|::", "::1,2001:db8::1,::");
    assert_hosts("[::1|::1]|[]", "!,::1],!");
}

static void empty_hosts_are_errors_wherever_they_stand(void **unused)
{
    (void)unused;
    assert_hosts("|a", "!,a");
    assert_hosts("a|", "a,!");
    assert_hosts("a||b", "a,!,b");
    assert_hosts("|", "!");
}

static void a_host_that_does_not_fit_is_an_error(void **unused)
{
    (void)unused;
    assert_hosts("123456789012345|a", "123456789012345,a");
    assert_hosts("1234567890123456|a", "!,a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(four_variables_are_a_host, set_four),
        cmocka_unit_test_setup(options_and_role_are_read_when_they_are_there, set_four),
        cmocka_unit_test_setup(empty_options_are_no_options, set_four),
        cmocka_unit_test_setup(without_a_mode_it_is_tcp_and_nobody_is_notified, set_four),
        cmocka_unit_test_setup(the_mode_is_one_of_three, set_four),
        cmocka_unit_test_setup(the_notify_descriptor_is_kept_from_children_and_never_blocks,
                               set_four),
        cmocka_unit_test_setup(a_notify_descriptor_that_is_none_is_said_and_ignored, set_four),
        cmocka_unit_test_setup(a_caller_with_an_older_struct_gets_what_it_has_room_for, set_four),
        cmocka_unit_test_setup(without_any_of_the_four_there_is_no_host, set_four),
        cmocka_unit_test_setup(each_missing_variable_is_named, set_four),
        cmocka_unit_test_setup(a_port_out_of_range_is_named_with_its_value, set_four),
        cmocka_unit_test(ports_are_decimal_from_1_to_65535),
        cmocka_unit_test(host_lists_are_split_at_bars),
        cmocka_unit_test(brackets_are_taken_off),
        cmocka_unit_test(empty_hosts_are_errors_wherever_they_stand),
        cmocka_unit_test(a_host_that_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
