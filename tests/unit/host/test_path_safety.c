/* SPDX-License-Identifier: Apache-2.0 */
#include "host/path_safety.h"

#include "scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOMEBODY = 12345 };

static char dir[SCRATCH_PATH], why[512];

static int make(void **unused)
{
    (void)unused;
    scratch_make(dir, "/tmp");
    (void)scratch_text(dir, "plugin", 0755, "#!/bin/sh\n");
    why[0] = '\0';
    return 0;
}

static int remove_all(void **unused)
{
    (void)unused;
    scratch_remove(dir);
    return 0;
}

static void only_root_can_test_this(void)
{
    if (geteuid() != 0)
        skip();
}

static int judge(const char *path)
{
    return ssp__path_safety_check(path, why, sizeof why);
}

static void refused_with(const char *path, const char *reason)
{
    assert_int_equal(judge(path), -1);
    if (strstr(why, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, reason);
}

static void a_file_that_only_root_can_change_is_trusted(void **unused)
{
    (void)unused;
    assert_int_equal(judge(scratch_path(dir, "plugin")), 0);
    assert_string_equal(why, "");
}

static void debians_programs_are_trusted(void **unused)
{
    (void)unused;
    assert_int_equal(judge("/bin/sh"), 0); /* symlinks all the way: /bin, then sh */
}

static void a_file_that_its_group_can_write_is_refused(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(chmod(scratch_path(dir, "plugin"), 0775), 0);
    refused_with(scratch_path(dir, "plugin"), "/plugin: mode 0775");
    assert_non_null(strstr(why, "chmod go-w"));
}

static void a_file_that_the_world_can_write_is_refused(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(chmod(scratch_path(dir, "plugin"), 0757), 0);
    refused_with(scratch_path(dir, "plugin"), "/plugin: mode 0757");
}

static void a_file_of_another_user_is_refused(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(chown(scratch_path(dir, "plugin"), SOMEBODY, 0), 0);
    refused_with(scratch_path(dir, "plugin"), "belongs to uid 12345");
}

static void a_directory_that_others_can_write_is_refused(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(chmod(dir, 0775), 0);
    refused_with(scratch_path(dir, "plugin"), "mode 0775");
    assert_null(strstr(why, "/plugin:"));
}

static void a_directory_of_another_user_is_refused_however_high_it_is(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(mkdir(scratch_path(dir, "sub"), 0755), 0);
    (void)scratch_text(dir, "sub/plugin", 0755, "");
    assert_int_equal(judge(scratch_path(dir, "sub/plugin")), 0);
    assert_int_equal(chown(dir, SOMEBODY, 0), 0);
    refused_with(scratch_path(dir, "sub/plugin"), "belongs to uid 12345");
}

static void a_sticky_directory_is_no_place_for_a_plugin(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(mkdir(scratch_path(dir, "sub"), 0755), 0);
    assert_int_equal(chmod(dir, 01777), 0);
    refused_with(scratch_path(dir, "plugin"), "mode 1777, anybody can create files in it");
    refused_with(scratch_path(dir, "./plugin"), "mode 1777");
    refused_with(scratch_path(dir, "sub/../plugin"), "mode 1777");
    assert_int_equal(symlink("../plugin", scratch_path(dir, "sub/link")), 0);
    refused_with(scratch_path(dir, "sub/link"), "mode 1777");
}

static void a_sticky_directory_on_the_way_is_no_obstacle(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(mkdir(scratch_path(dir, "sub"), 0755), 0);
    (void)scratch_text(dir, "sub/plugin", 0755, "");
    assert_int_equal(chmod(dir, 01777), 0);
    assert_int_equal(judge(scratch_path(dir, "sub/plugin")), 0);
    assert_int_equal(chown(scratch_path(dir, "sub"), SOMEBODY, 0), 0);
    refused_with(scratch_path(dir, "sub/plugin"), "/sub: it belongs to uid 12345");
}

static void a_symlink_is_judged_by_where_it_leads(void **unused)
{
    char other[SCRATCH_PATH];
    (void)unused;
    only_root_can_test_this();
    scratch_make(other, "/tmp");
    assert_int_equal(symlink(scratch_path(dir, "plugin"), scratch_path(other, "link")), 0);
    assert_int_equal(judge(scratch_path(other, "link")), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    refused_with(scratch_path(other, "link"), "mode 0777");
    assert_non_null(strstr(why, dir));
    scratch_remove(other);
}

/* The file and its own directories are fine, but anybody could make the name mean another file. */
static void a_symlink_in_a_bad_directory_is_refused(void **unused)
{
    char other[SCRATCH_PATH];
    (void)unused;
    only_root_can_test_this();
    scratch_make(other, "/tmp");
    assert_int_equal(symlink(scratch_path(dir, "plugin"), scratch_path(other, "middle")), 0);
    assert_int_equal(symlink(scratch_path(other, "middle"), scratch_path(dir, "link")), 0);
    assert_int_equal(judge(scratch_path(dir, "link")), 0);
    assert_int_equal(chmod(other, 0777), 0);
    refused_with(scratch_path(dir, "link"), other);
    scratch_remove(other);
}

static void a_symlink_of_another_user_is_refused(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(symlink("plugin", scratch_path(dir, "link")), 0);
    assert_int_equal(judge(scratch_path(dir, "link")), 0);
    assert_int_equal(lchown(scratch_path(dir, "link"), SOMEBODY, SOMEBODY), 0);
    refused_with(scratch_path(dir, "link"), "/link: it belongs to uid 12345");
}

static void dots_and_double_slashes_mean_what_they_mean_to_the_kernel(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(mkdir(scratch_path(dir, "bad"), 0700), 0);
    assert_int_equal(judge(scratch_path(dir, "bad/..//./plugin")), 0);
    assert_int_equal(chmod(scratch_path(dir, "bad"), 0777), 0);
    refused_with(scratch_path(dir, "bad/..//./plugin"), "/bad: mode 0777");
}

static void a_relative_path_is_judged_from_the_current_directory(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(judge("./plugin"), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    refused_with("./plugin", "mode 0777");
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void a_loop_of_symlinks_ends(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(symlink("two", scratch_path(dir, "one")), 0);
    assert_int_equal(symlink("one", scratch_path(dir, "two")), 0);
    refused_with(scratch_path(dir, "one"), strerror(ELOOP));
}

static void what_is_not_there_is_refused(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    refused_with(scratch_path(dir, "absent"), "No such file");
}

static void who_is_not_root_may_run_anything(void **unused)
{
    (void)unused;
    if (geteuid() == 0 && seteuid(SOMEBODY) == -1)
        skip();
    assert_int_equal(judge("/tmp/plugin"), 0);
    (void)!seteuid(getuid());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_only_root_can_change_is_trusted),
        TEST(debians_programs_are_trusted),
        TEST(a_file_that_its_group_can_write_is_refused),
        TEST(a_file_that_the_world_can_write_is_refused),
        TEST(a_file_of_another_user_is_refused),
        TEST(a_directory_that_others_can_write_is_refused),
        TEST(a_directory_of_another_user_is_refused_however_high_it_is),
        TEST(a_sticky_directory_is_no_place_for_a_plugin),
        TEST(a_sticky_directory_on_the_way_is_no_obstacle),
        TEST(a_symlink_is_judged_by_where_it_leads),
        TEST(a_symlink_in_a_bad_directory_is_refused),
        TEST(a_symlink_of_another_user_is_refused),
        TEST(dots_and_double_slashes_mean_what_they_mean_to_the_kernel),
        TEST(a_relative_path_is_judged_from_the_current_directory),
        TEST(a_loop_of_symlinks_ends),
        TEST(what_is_not_there_is_refused),
        TEST(who_is_not_root_may_run_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
