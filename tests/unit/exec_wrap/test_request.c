/* SPDX-License-Identifier: Apache-2.0 */
#include "exec-wrap/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static ssp_env environment(const char *options)
{
    return (ssp_env){.local_host = "127.0.0.1",
                     .local_port = "1984",
                     .remote_host = "203.0.113.5",
                     .remote_port = "443",
                     .options = options,
                     .notify_fd = -1};
}

static void expect_refused(const char *options, const char *what)
{
    char why[512] = "";
    ssp_env env = environment(options);
    struct request request;
    assert_int_equal(request_read(&request, &env, "exec-wrap", why, sizeof why), SSP_EXIT_CONFIG);
    if (strstr(why, what) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", options, why, what);
    request_release(&request);
}

static struct request request_of(const ssp_env *env, const char *name)
{
    char why[512] = "";
    struct request request;
    if (request_read(&request, env, name, why, sizeof why) != 0)
        fail_msg("%s", why);
    return request;
}

static void what_is_missing_or_malformed_is_named(void **unused)
{
    (void)unused;
    expect_refused(NULL, "cmd is missing");
    expect_refused("ready=tcp", "cmd is missing");
    expect_refused("cmd", "the command is empty");
    expect_refused("cmd=", "the command is empty");
    expect_refused("cmd=sh;ready=soon", "\"soon\", expected tcp, udp or none");
    expect_refused("cmd=sh;start=0", "\"0\"");
    expect_refused("cmd=sh;start=-1", "\"-1\"");
    expect_refused("cmd=sh;start=10s", "\"10s\"");
    expect_refused("cmd=sh;hup=1", "\"1\", expected pass or ignore");
    expect_refused("cmd=sh;hup", "\"\", expected pass");
    expect_refused("cmd=sh\\", "malformed at byte 6");
    expect_refused("cmd=sh -c 'x", "byte 6");
    expect_refused("cmd=no-such-program-here %L", "No such file or directory in PATH");
    expect_refused("cmd=/no/such/program", "/no/such/program: No such file");
    expect_refused("cmd=/etc/passwd", "Permission denied");
}

static void defaults_wait_for_what_the_mode_says(void **unused)
{
    ssp_env env = environment("cmd=sh -c 'exit 3'");
    env.mode = SSP_TCP_AND_UDP;
    (void)unused;
    struct request request = request_of(&env, "exec-wrap");
    assert_int_equal(request.role, SSP_CLIENT);
    assert_int_equal(request.ready, SSP_READY_LISTENS);
    assert_int_equal(request.mode, SSP_TCP_AND_UDP);
    assert_int_equal(request.start_ms, 10000);
    assert_int_equal(request.words.n, 3);
    assert_int_equal(request.program[0], '/');
    request_release(&request);
}

static void options_are_taken(void **unused)
{
    ssp_env env = environment("a=b;cmd=sh \\; x\\=%R;;ready=udp;start=2");
    (void)unused;
    struct request request = request_of(&env, "exec-wrap");
    assert_string_equal(request.words.word[1], ";");
    assert_string_equal(request.words.word[2], "x=203.0.113.5:443");
    assert_int_equal(request.mode, SSP_UDP_ONLY);
    assert_int_equal(request.start_ms, 2000);
    request_release(&request);
    env.options = "cmd=sh;ready=none";
    request = request_of(&env, "exec-wrap");
    assert_int_equal(request.ready, SSP_READY_STARTED);
    request_release(&request);
}

static void expect_role(const char *options, ssp_role told, const char *name, ssp_role role)
{
    ssp_env env = environment(options);
    env.role = told;
    struct request request = request_of(&env, name);
    assert_int_equal(request.role, role);
    request_release(&request);
}

static void the_host_then_an_option_then_the_name_say_the_role(void **unused)
{
    (void)unused;
    expect_role("cmd=sh", SSP_SERVER, "exec-wrap", SSP_SERVER);
    expect_role("cmd=sh;server", SSP_CLIENT, "exec-wrap", SSP_CLIENT);
    expect_role("cmd=sh;server", SSP_ROLE_UNKNOWN, "exec-wrap", SSP_SERVER);
    expect_role("cmd=sh;client", SSP_ROLE_UNKNOWN, "x-server", SSP_CLIENT);
    expect_role("cmd=sh", SSP_ROLE_UNKNOWN, "/bin/x-server", SSP_SERVER);
    expect_role("cmd=sh", SSP_ROLE_UNKNOWN, "", SSP_CLIENT);
}

static void of_several_hosts_the_first_counts(void **unused)
{
    ssp_env env = environment("cmd=sh %R");
    env.remote_host = "[::1]|192.0.2.1";
    (void)unused;
    struct request request = request_of(&env, "exec-wrap");
    assert_string_equal(request.words.word[1], "[::1]:443");
    assert_string_equal(request.remote_host, "::1");
    request_release(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_or_malformed_is_named),
        cmocka_unit_test(defaults_wait_for_what_the_mode_says),
        cmocka_unit_test(options_are_taken),
        cmocka_unit_test(the_host_then_an_option_then_the_name_say_the_role),
        cmocka_unit_test(of_several_hosts_the_first_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
