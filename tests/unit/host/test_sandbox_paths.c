/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sandbox_paths.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool reaches(const char *options, const char *path)
{
    struct ssp__sandbox_paths reach;
    bool found = false;
    assert_int_equal(ssp__sandbox_paths_read(&reach, options), 0);
    assert_null(reach.path[reach.n]);
    for (size_t i = 0; i < reach.n; i++)
        found = found || strcmp(reach.path[i], path) == 0;
    ssp__sandbox_paths_release(&reach);
    return found;
}

static size_t reached(const char *options)
{
    struct ssp__sandbox_paths reach;
    assert_int_equal(ssp__sandbox_paths_read(&reach, options), 0);
    size_t n = reach.n;
    ssp__sandbox_paths_release(&reach);
    return n;
}

static void files_and_their_directories_are(void **unused)
{
    (void)unused;
    assert_true(reaches("host=a.b;cert=/etc/ssl/a\\;b.pem", "/etc/ssl/a;b.pem"));
    assert_true(reaches("cert=/etc/ssl/a.pem", "/etc/ssl"));
    assert_true(reaches("cert=/no/such/file", "/no/such"));
}

static void what_a_link_leads_to_is(void **unused)
{
    char dir[SCRATCH_PATH], options[2 * SCRATCH_PATH];
    (void)unused;
    scratch_make(dir, "/tmp");
    const char *link = scratch_path(dir, "link");
    assert_int_equal(symlink("/usr/bin/env", link), 0);
    (void)snprintf(options, sizeof options, "file=%s", link);
    bool there = reaches(options, "/usr/bin");
    scratch_remove(dir);
    assert_true(there);
}

/* Of a plugin whose option path is that of a URL, everything would be open. */
static void the_root_never_is(void **unused)
{
    static const char *const values[] = {
        "path=/", "path=//", "path=/.", "path=/usr/..", "path=/proc/self/root", "path=///",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_false(reaches(values[i], "/") || reaches(values[i], values[i] + 5));
    assert_false(reaches("path=//no-such-page", "/"));
    assert_false(reaches("path=/./no-such-page", "/."));
    assert_false(reaches("path=/usr/../no-such-page", "/usr/.."));
    assert_int_equal(reached("path=/no-such-page"), 1);
}

static void what_is_no_path_is_not(void **unused)
{
    (void)unused;
    assert_int_equal(reached(NULL), 0);
    assert_int_equal(reached("tls;host=a.b;cert=etc/ssl/a.pem;path="), 0);
}

static void malformed_and_countless_options_do_no_harm(void **unused)
{
    char options[200 * sizeof "k=/no/such/file;"] = "";
    (void)unused;
    assert_true(reaches("cert=/etc/ssl/a.pem;=x;key=/etc/b", "/etc/ssl"));
    for (int i = 0; i < 200; i++)
        (void)strcat(options, "k=/no/such/file;");
    assert_int_equal(reached(options), SSP_REACH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_their_directories_are),
        cmocka_unit_test(what_a_link_leads_to_is),
        cmocka_unit_test(the_root_never_is),
        cmocka_unit_test(what_is_no_path_is_not),
        cmocka_unit_test(malformed_and_countless_options_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
