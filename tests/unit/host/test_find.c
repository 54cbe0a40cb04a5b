/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <ssplugin/host.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_CAP = 512 };

static void what_is_there_but_not_executable_is_said_to_be_so(void **unused)
{
    char dir[SCRATCH_PATH], path[PATH_CAP];
    (void)unused;
    scratch_make(dir, "/tmp");
    (void)scratch_text(dir, "no-such-plugin", 0644, "#!/bin/sh\n");
    int rc = ssp_host_find("no-such-plugin", dir, path, sizeof path), error = errno;
    scratch_remove(dir);
    assert_int_equal(rc, -1);
    assert_int_equal(error, EACCES);
    assert_int_equal(ssp_host_find("no-such-plugin", NULL, path, sizeof path), -1);
    assert_int_equal(errno, ENOENT);
}

static void a_directory_comes_before_the_path(void **unused)
{
    char dir[SCRATCH_PATH], path[PATH_CAP];
    (void)unused;
    scratch_make(dir, "/tmp");
    const char *file = scratch_text(dir, "sh", 0755, "#!/bin/sh\n");
    assert_int_equal(ssp_host_find("sh", dir, path, sizeof path), 0);
    assert_string_equal(path, file);
    scratch_remove(dir);
    assert_int_equal(ssp_host_find("sh", dir, path, sizeof path), 0);
    assert_string_not_equal(path, file);
}

/* A relative name then leads nowhere. */
static void a_removed_current_directory_is_an_error(void **unused)
{
    char dir[SCRATCH_PATH], path[PATH_CAP];
    (void)unused;
    int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_not_equal(home, -1);
    scratch_make(dir, "/tmp");
    assert_int_equal(chdir(dir), 0);
    scratch_remove(dir);
    int rc = ssp_host_find("./no-such-plugin", NULL, path, sizeof path), error = errno;
    assert_int_equal(fchdir(home), 0);
    assert_int_equal(close(home), 0);
    assert_int_equal(rc, -1);
    assert_int_equal(error, ENOENT);
    assert_string_equal(path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_but_not_executable_is_said_to_be_so),
        cmocka_unit_test(a_directory_comes_before_the_path),
        cmocka_unit_test(a_removed_current_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
