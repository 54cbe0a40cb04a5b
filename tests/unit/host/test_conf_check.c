/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void hear(void *arg)
{
    (void)arg;
}

static void hear_why(void *arg, const char *why)
{
    (void)arg;
    (void)why;
}

static void hear_notice(void *arg, const char *key, const char *value)
{
    (void)arg;
    (void)key;
    (void)value;
}

static ssp_host_conf good(ssp_role role)
{
    return (ssp_host_conf){.size = sizeof(ssp_host_conf),
                           .plugin = "obfs-local",
                           .role = role,
                           .remote_host = "203.0.113.5",
                           .remote_port = 8388,
                           .local_host = "127.0.0.1",
                           .local_port = role == SSP_SERVER ? 1234 : 0,
                           .on_ready = hear,
                           .on_down = hear_why,
                           .on_death = hear_why,
                           .mode = SSP_TCP_AND_UDP,
                           .on_notify = hear_notice};
}

static void expect_refused(const ssp_host_conf *given, const char *because)
{
    ssp_host_conf conf;
    char why[256] = "";
    assert_int_equal(ssp__conf_check_read(&conf, given, why, sizeof why), -1);
    if (strstr(why, because) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, because);
}

static void what_is_complete_is_taken(void **unused)
{
    ssp_host_conf conf, client = good(SSP_CLIENT), server = good(SSP_SERVER);
    char why[256];
    (void)unused;
    assert_int_equal(ssp__conf_check_read(&conf, &client, why, sizeof why), 0);
    assert_memory_equal(&conf, &client, sizeof conf);
    assert_int_equal(ssp__conf_check_read(&conf, &server, why, sizeof why), 0);
}

static void a_size_of_nothing_is_refused(void **unused)
{
    ssp_host_conf c = good(SSP_CLIENT);
    (void)unused;
    c.size = 0;
    expect_refused(&c, "size is 0");
}

/* Bytes behind the struct of an older program are not ours to read. */
static void fields_beyond_an_older_size_are_defaults(void **unused)
{
    ssp_host_conf conf, c = good(SSP_CLIENT);
    char why[256];
    (void)unused;
    c.writable = "/etc";
    c.size = offsetof(ssp_host_conf, writable);
    assert_int_equal(ssp__conf_check_read(&conf, &c, why, sizeof why), 0);
    assert_null(conf.writable);
    assert_ptr_equal(conf.on_death, c.on_death);
}

/* A caller with a port for it may put it anywhere. */
static void a_client_with_a_port_need_not_be_on_loopback(void **unused)
{
    ssp_host_conf conf, c = good(SSP_CLIENT);
    char why[256];
    (void)unused;
    c.local_port = 1080;
    c.local_host = "0.0.0.0";
    assert_int_equal(ssp__conf_check_read(&conf, &c, why, sizeof why), 0);
    assert_int_equal(conf.local_port, 1080);
}

static void a_list_without_an_end_is_refused(void **unused)
{
    static const char *many[SSP_TERMS_LIST_MAX + 2];
    (void)unused;
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = "x";
    many[SSP_TERMS_LIST_MAX] = NULL;
    ssp_host_conf conf, c = good(SSP_CLIENT);
    char why[256];
    c.argv = many;
    assert_int_equal(ssp__conf_check_read(&conf, &c, why, sizeof why), 0);
    many[SSP_TERMS_LIST_MAX] = "x";
    expect_refused(&c, "too many");
}

static void fields_of_a_newer_size_are_left_alone(void **unused)
{
    struct {
        ssp_host_conf known;
        char newer[64];
    } given = {.known = good(SSP_SERVER), .newer = "something"};
    ssp_host_conf conf;
    char why[256];
    (void)unused;
    given.known.size = sizeof given;
    assert_int_equal(ssp__conf_check_read(&conf, &given.known, why, sizeof why), 0);
    assert_int_equal(conf.mode, SSP_TCP_AND_UDP);
}

#define EXPECT_REFUSED(role_, member, value, because)                                              \
    do {                                                                                           \
        ssp_host_conf c = good(role_);                                                             \
        c.member = (value);                                                                        \
        expect_refused(&c, because);                                                               \
    } while (0)

static void what_is_missing_is_named(void **unused)
{
    (void)unused;
    EXPECT_REFUSED(SSP_CLIENT, plugin, NULL, "plugin");
    EXPECT_REFUSED(SSP_CLIENT, plugin, "", "plugin");
    EXPECT_REFUSED(SSP_CLIENT, role, SSP_ROLE_UNKNOWN, "role");
    EXPECT_REFUSED(SSP_CLIENT, mode, (ssp_mode)3, "mode");
    EXPECT_REFUSED(SSP_CLIENT, remote_host, NULL, "remote_host");
    EXPECT_REFUSED(SSP_CLIENT, remote_port, 0, "remote_port");
    EXPECT_REFUSED(SSP_CLIENT, local_host, NULL, "local_host");
    EXPECT_REFUSED(SSP_CLIENT, local_host, "192.0.2.1", "loopback");
    EXPECT_REFUSED(SSP_CLIENT, local_host, "localhost", "loopback");
    EXPECT_REFUSED(SSP_SERVER, local_port, 0, "local_port");
    EXPECT_REFUSED(SSP_SERVER, remote_port, 0, "loopback");
    EXPECT_REFUSED(SSP_CLIENT, ready, (ssp_ready)3, "ready");
    EXPECT_REFUSED(SSP_SERVER, on_ready, NULL, "on_ready");
    EXPECT_REFUSED(SSP_SERVER, on_down, NULL, "on_down");
    EXPECT_REFUSED(SSP_SERVER, on_death, NULL, "on_death");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_complete_is_taken),
        cmocka_unit_test(a_size_of_nothing_is_refused),
        cmocka_unit_test(fields_beyond_an_older_size_are_defaults),
        cmocka_unit_test(a_client_with_a_port_need_not_be_on_loopback),
        cmocka_unit_test(a_list_without_an_end_is_refused),
        cmocka_unit_test(fields_of_a_newer_size_are_left_alone),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
