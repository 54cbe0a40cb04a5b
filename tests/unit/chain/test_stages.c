/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/stages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* /bin/sh plays the member of the chain's own program. */
static struct stages_self self_at(unsigned depth)
{
    static char own[STAGES_PATH_MAX];
    if (own[0] == '\0')
        assert_non_null(realpath("/bin/sh", own));
    return (struct stages_self){own, "/nonexistent", depth};
}

static void expect_refused(const char *options, const char *what)
{
    static struct stages stages;
    const struct stages_self self = self_at(0);
    char why[512];
    assert_int_equal(stages_read(&stages, options, &self, why, sizeof why), -1);
    if (strstr(why, what) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", options, why, what);
    stages_release(&stages);
}

static void read_into(struct stages *stages, const char *options)
{
    const struct stages_self self = self_at(0);
    char why[512];
    if (stages_read(stages, options, &self, why, sizeof why) == -1)
        fail_msg("%s: %s", options, why);
}

static void stages_come_in_any_order(void **unused)
{
    static struct stages s;
    (void)unused;
    read_into(&s, "2.x=1;start=3;2=/bin/cat;1.obfs=http;1=obfs-local;server;2.y");
    assert_int_equal(s.n, 2);
    assert_string_equal(s.stage[0].name, "obfs-local");
    assert_string_equal(s.stage[0].codec->name, "obfs-local");
    assert_string_equal(s.stage[0].options.text, "obfs=http");
    assert_null(s.stage[1].codec);
    assert_string_equal(s.stage[1].path, "/bin/cat");
    assert_string_equal(s.stage[1].options.text, "x=1;y");
    assert_int_equal(s.start_ms, 3000);
    assert_int_equal(s.role, SSP_SERVER);
    stages_release(&s);
}

/* There is one level of escapes, whatever a value contains. */
static void values_arrive_as_they_were(void **unused)
{
    static struct stages s;
    (void)unused;
    read_into(&s, "1=/bin/cat;1.path=/a\\;b\\\\c=d;1.k\\=ey=\\=");
    assert_string_equal(s.stage[0].options.text, "path=/a\\;b\\\\c\\=d;k\\=ey=\\=");
    stages_release(&s);
}

static void the_last_program_of_a_number_counts(void **unused)
{
    static struct stages s;
    (void)unused;
    read_into(&s, "1=/bin/false;1=/bin/cat");
    assert_string_equal(s.stage[0].name, "/bin/cat");
    stages_release(&s);
}

static void a_path_to_a_program_is_that_program(void **unused)
{
    (void)unused;
    expect_refused("1=./obfs-local", "./obfs-local: No such file");
}

static void what_is_missing_or_wrong_is_named(void **unused)
{
    (void)unused;
    expect_refused("", "there is no stage");
    expect_refused("start=2", "there is no stage");
    expect_refused("2=/bin/cat", "stage 1 is missing: there is a stage 2");
    expect_refused("1=/bin/cat;3.x", "stage 2 is missing: there is a stage 3");
    expect_refused("0=/bin/cat", "option 0");
    expect_refused("01=/bin/cat", "option 01");
    expect_refused("17=/bin/cat", "option 17");
    expect_refused("99999999999999999999=/bin/cat", "option 9999");
    expect_refused("1x=/bin/cat", "option 1x");
    expect_refused("1.=x", "option 1.");
    expect_refused("1", "stage 1 has no program");
    expect_refused("1=", "stage 1 has no program");
    expect_refused("1=/bin/cat;start=0", "start is \"0\"");
    expect_refused("1=/bin/cat;start", "start is \"\"");
    expect_refused("1=/bin/cat;start=2x", "start is \"2x\"");
    expect_refused("1=a;=b", "malformed at byte 4");
    expect_refused("1=no-such-plugin-anywhere", "stage 1: no-such-plugin-anywhere: No such file");
}

static void a_chain_inside_is_read_too(void **unused)
{
    static struct stages s;
    (void)unused;
    read_into(&s, "1=/bin/sh;1.1=obfs-local;1.2=/bin/cat");
    stages_release(&s);
    expect_refused("1=/bin/sh", "stage 1, a chain: there is no stage");
    expect_refused("1=/bin/sh;1.1=/bin/sh;1.1.1=/no",
                   "stage 1, a chain: stage 1, a chain: stage 1");
}

static void too_many_inside_one_another_are_a_loop(void **unused)
{
    static struct stages s;
    const struct stages_self deep = self_at(STAGES_DEPTH_MAX), last = self_at(STAGES_DEPTH_MAX - 1);
    char why[512];
    (void)unused;
    assert_int_equal(stages_read(&s, "1=obfs-local", &last, why, sizeof why), 0);
    stages_release(&s);
    assert_int_equal(stages_read(&s, "1=obfs-local", &deep, why, sizeof why), -1);
    assert_non_null(strstr(why, "contains itself"));
    assert_int_equal(stages_read(&s, "1=/bin/sh;1.1=obfs-local", &last, why, sizeof why), -1);
    assert_non_null(strstr(why, "contains itself"));
    stages_release(&s);
}

static ssp_role role_of(const char *options, ssp_role told, char *why, size_t cap)
{
    static struct stages s;
    const ssp_env env = {.role = told};
    read_into(&s, options);
    ssp_role role = stages_role(&s, &env, "chain", why, cap);
    stages_release(&s);
    return role;
}

static void ours_of_one_role_tell_it_where_nobody_does(void **unused)
{
    char why[256] = "";
    (void)unused;
    assert_int_equal(role_of("1=/bin/cat", SSP_ROLE_UNKNOWN, why, sizeof why), SSP_CLIENT);
    assert_int_equal(role_of("1=/bin/cat;server", SSP_ROLE_UNKNOWN, why, sizeof why), SSP_SERVER);
    assert_int_equal(role_of("1=/bin/cat;2=obfs-server", SSP_ROLE_UNKNOWN, why, sizeof why),
                     SSP_SERVER);
    assert_int_equal(role_of("1=/bin/cat;server", SSP_CLIENT, why, sizeof why), SSP_CLIENT);
}

static void ours_of_the_other_role_are_refused(void **unused)
{
    char why[256] = "";
    (void)unused;
    assert_int_equal(role_of("1=obfs-server", SSP_CLIENT, why, sizeof why), SSP_ROLE_UNKNOWN);
    assert_string_equal(why, "stage 1, obfs-server, is for a server, and this is a client");
    assert_int_equal(role_of("1=obfs-local;2=obfs-server", SSP_ROLE_UNKNOWN, why, sizeof why),
                     SSP_ROLE_UNKNOWN);
    assert_string_equal(why, "stage 2, obfs-server, is for a server, and this is a client");
}

static int check(const char *options, ssp_role role, char *why, size_t cap)
{
    static struct stages s;
    read_into(&s, options);
    int rc = stages_check(&s, role, why, cap);
    stages_release(&s);
    return rc;
}

static void options_of_ours_are_checked_before_anything_runs(void **unused)
{
    char why[256] = "";
    (void)unused;
    assert_int_equal(check("1=obfs-local;1.obfs=http;2=/bin/cat;2.x=y", SSP_CLIENT, why, 256), 0);
    assert_int_equal(check("1=/bin/cat;2=obfs-server;2.obfs=none", SSP_SERVER, why, 256), -1);
    assert_non_null(strstr(why, "stage 2, obfs-server: option obfs"));
    assert_int_equal(check("1=obfs-local", SSP_CLIENT, why, 256), -1);
    assert_non_null(strstr(why, "stage 1, obfs-local: option obfs: is required"));
    assert_int_equal(check("1=obfs-local;1.obfs=http;1.t=soon", SSP_CLIENT, why, 256), -1);
    assert_non_null(strstr(why, "stage 1, obfs-local: option t"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_come_in_any_order),
        cmocka_unit_test(values_arrive_as_they_were),
        cmocka_unit_test(the_last_program_of_a_number_counts),
        cmocka_unit_test(a_path_to_a_program_is_that_program),
        cmocka_unit_test(what_is_missing_or_wrong_is_named),
        cmocka_unit_test(a_chain_inside_is_read_too),
        cmocka_unit_test(ours_of_one_role_tell_it_where_nobody_does),
        cmocka_unit_test(ours_of_the_other_role_are_refused),
        cmocka_unit_test(options_of_ours_are_checked_before_anything_runs),
        cmocka_unit_test(too_many_inside_one_another_are_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
