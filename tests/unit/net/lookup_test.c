/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen at, and the names that a search list makes of one. */
#include "net/lookup.h"
#include "net/search_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* 192.0.2.0/24 is nobody's (RFC 5737). */
static const char absent[] = "192.0.2.99", here[] = "127.0.0.1", name[] = "name.example";

static void absent_addresses_go_unless_all_are(void **unused)
{
    enum { ROW = 4 };
    static const char *const lists[][2][ROW] = {
        {{absent, here, absent}, {here}},
        {{here, absent}, {here}},
        {{absent, name}, {name}},
        {{absent, absent}, {absent, absent}},
        {{absent}, {absent}},
        {{here, name}, {here, name}},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct ssp__endpoint e[ROW];
        char text[SSP_HOST_MAX];
        unsigned n = 0, kept = 0;
        for (; lists[i][0][n] != NULL; n++)
            assert_int_equal(ssp__endpoint_set(&e[n], lists[i][0][n], 8388), 0);
        n = ssp__lookup_drop_absent(e, n);
        for (; lists[i][1][kept] != NULL; kept++)
            assert_string_equal(ssp__endpoint_host(&e[kept], text), lists[i][1][kept]);
        assert_int_equal(n, kept);
    }
}

static void every_localhost_can_be_listened_at(void **unused)
{
    static const char *const names[] = {"localhost", "localhost.", "x.localhost"};
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct ssp__address list[SSP_LOOKUP_MAX];
        struct ssp__endpoint e;
        char why[256] = "";
        assert_int_equal(ssp__endpoint_set(&e, names[i], 80), 0);
        int n = ssp__lookup(&e, SOCK_STREAM, list, why, sizeof why);
        assert_true(n > 0);
        assert_true(ssp__address_loopback(&list[0]));
        assert_int_equal(ssp__address_port(&list[0]), 80);
    }
}

/* Returns all names, each with a blank behind it. */
static const char *searched(const char *resolv_conf, const char *short_name)
{
    static char all[2048];
    char path[] = "lookup-XXXXXX", full[SSP_HOST_MAX + 1];
    struct ssp__search_list list;
    unsigned index = 0;
    int fd = mkstemp(path);
    assert_true(fd != -1);
    assert_int_equal(write(fd, resolv_conf, strlen(resolv_conf)), strlen(resolv_conf));
    (void)close(fd);
    ssp__search_list_read(&list, path);
    (void)unlink(path);
    all[0] = '\0';
    while (ssp__search_list_next(&list, short_name, &index, full)) {
        size_t len = strlen(all);
        (void)snprintf(all + len, sizeof all - len, "%s ", full);
    }
    return all;
}

static void a_search_list_is_that_of_resolv_conf(void **unused)
{
    static const char *const rows[][3] = {
        {"search a.example b.example.\n", "db", "db.a.example. db.b.example. db. "},
        {"search a.example\n", "db.c", "db.c. db.c.a.example. "},
        {"search a.example\n", "db.", "db. "},
        {"search a.example\noptions timeout:1 ndots:2\n", "db.c", "db.c.a.example. db.c. "},
        {"search a.example\noptions ndots:0\n", "db", "db. db.a.example. "},
        {"search a.example\ndomain b.example\n", "db", "db.b.example. db. "},
        {"#search b.example\n search\ta.example\n", "db", "db.a.example. db. "},
        {"search 1.x 2.x 3.x 4.x 5.x 6.x 7.x", "d",
         "d.1.x. d.2.x. d.3.x. d.4.x. d.5.x. d.6.x. d. "},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(searched(rows[i][0], rows[i][1]), rows[i][2]);
}

static void a_name_that_becomes_too_long_is_passed_over(void **unused)
{
    char label[SSP_HOST_MAX], wanted[SSP_HOST_MAX + 2];
    (void)unused;
    memset(label, 'a', sizeof label);
    label[sizeof label - 1] = '\0';
    (void)snprintf(wanted, sizeof wanted, "%s. ", label);
    assert_string_equal(searched("search a.example\n", label), wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_addresses_go_unless_all_are),
        cmocka_unit_test(every_localhost_can_be_listened_at),
        cmocka_unit_test(a_search_list_is_that_of_resolv_conf),
        cmocka_unit_test(a_name_that_becomes_too_long_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
