/* SPDX-License-Identifier: Apache-2.0 */
/* The time that a peer has: the host's, or one of this machine and this configuration. */
#include "plugin/handshake_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define VARIABLE "SS_PLUGIN_HANDSHAKE_MS"

enum { MIN_MS = 30000, MAX_MS = 90000 };

static unsigned limit(const char *host, const char *port, const char *options)
{
    return ssp__handshake_limit_ms(&(ssp_env){
        .role = SSP_SERVER, .remote_host = host, .remote_port = port, .options = options});
}

static void it_is_the_same_after_each_start_and_another_one_elsewhere(void **state)
{
    static const char *const rows[][3] = {
        {"192.0.2.1", "443", "obfs=http"},  {"192.0.2.2", "443", "obfs=http"},
        {"192.0.2.1", "8443", "obfs=http"}, {"192.0.2.1", "443", "obfs=tls"},
        {"192.0.2.1", "443", NULL},         {"192.0.2.14", "43", NULL}};
    enum { ROWS = sizeof rows / sizeof *rows };
    unsigned found[ROWS];
    (void)state;
    (void)unsetenv(VARIABLE);
    for (size_t i = 0; i < ROWS; i++) {
        found[i] = limit(rows[i][0], rows[i][1], rows[i][2]);
        assert_in_range(found[i], MIN_MS, MAX_MS);
        assert_int_equal(limit(rows[i][0], rows[i][1], rows[i][2]), found[i]);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(found[k], found[i]);
    }
}

static void the_host_says_it(void **state)
{
    static const char *const wrong[] = {"", "0", "-1", "+5", "5 s", "0x10", "99999999999", "x"};
    (void)state;
    (void)setenv(VARIABLE, "47123", 1);
    assert_int_equal(limit("192.0.2.1", "443", NULL), 47123);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)setenv(VARIABLE, wrong[i], 1);
        assert_in_range(limit("192.0.2.1", "443", NULL), MIN_MS, MAX_MS);
    }
    (void)unsetenv(VARIABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_same_after_each_start_and_another_one_elsewhere),
        cmocka_unit_test(the_host_says_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
