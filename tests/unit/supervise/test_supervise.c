/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/supervise.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One script of /bin/sh, and the order in which things happened. */
struct trial {
    ssp_unit *unit;
    char order[64];
    bool stops; /* with 3, once all are ready */
};

struct member {
    struct trial *trial;
    char name;
    const char *argv[3];
};

static void note(struct trial *t, char what)
{
    size_t n = strlen(t->order);
    (void)snprintf(t->order + n, sizeof t->order - n, "%c", what);
}

static void ready(void *arg)
{
    const struct member *p = arg;
    note(p->trial, p->name);
}

static void died(void *arg, const char *why)
{
    const struct member *p = arg;
    assert_non_null(why);
    note(p->trial, '!');
}

static void all_ready(void *arg)
{
    struct trial *t = arg;
    note(t, '*');
    if (t->stops)
        ssp_unit_stop(t->unit, 3);
}

/* on_line: of a member that is ready when that says so; NULL: it is once it runs. */
static void member_add(struct trial *t, struct member *p, char name, const char *script,
                       void (*on_line)(void *arg, const char *line))
{
    *p = (struct member){.trial = t, .name = name, .argv = {"-c", script, NULL}};
    const ssp_host_conf conf = {.size = sizeof conf,
                                .plugin = "/bin/sh",
                                .role = SSP_CLIENT,
                                .remote_host = "192.0.2.1",
                                .remote_port = 9,
                                .local_host = "127.0.0.1",
                                .ready_ms = 20000,
                                .grace_ms = SSP_UNIT_GRACE_MS,
                                .on_ready = ready,
                                .on_death = died,
                                .arg = p,
                                .argv = p->argv,
                                .ready = on_line != NULL ? SSP_READY_SAID : SSP_READY_STARTED,
                                .on_line = on_line};
    assert_true(ssp_unit_add(t->unit, &conf) >= 0);
}

static struct trial begin(void)
{
    struct trial t = {.unit = ssp_unit_new(NULL)};
    assert_non_null(t.unit);
    return t;
}

static int status_after(const char *script)
{
    struct trial t = begin();
    struct member member;
    member_add(&t, &member, 'a', script, NULL);
    int status = ssp_unit_run(t.unit, NULL);
    assert_non_null(strchr(t.order, '!'));
    ssp_unit_free(t.unit);
    return status;
}

static void its_status_is_that_of_the_member_that_died(void **unused)
{
    (void)unused;
    assert_int_equal(status_after("exit 1"), 1);
    assert_int_equal(status_after("exit 64"), SSP_EXIT_USAGE);
    assert_int_equal(status_after("exit 78"), SSP_EXIT_CONFIG);
    assert_int_equal(status_after("exit 255"), 255);
}

static void an_end_without_a_status_is_a_bug(void **unused)
{
    (void)unused;
    assert_int_equal(status_after("exit 0"), SSP_EXIT_BUG);
    assert_int_equal(status_after("kill -9 $$"), SSP_EXIT_BUG);
}

static void members_start_one_after_another(void **unused)
{
    struct trial t = begin();
    struct member a, b, c;
    (void)unused;
    t.stops = true;
    ssp_unit_on_ready(t.unit, all_ready, &t);
    member_add(&t, &a, 'a', "exec sleep 60", NULL);
    member_add(&t, &b, 'b', "exec sleep 60", NULL);
    member_add(&t, &c, 'c', "exec sleep 60", NULL);
    assert_null(ssp_unit_host(t.unit, 0));
    assert_int_equal(ssp_unit_run(t.unit, "all are there"), 3);
    assert_string_equal(t.order, "abc*");
    ssp_unit_free(t.unit);
}

static void the_first_death_counts(void **unused)
{
    struct trial t = begin();
    struct member a, b;
    (void)unused;
    member_add(&t, &a, 'a', "trap 'exit 5' TERM; while :; do sleep 0.1; done", NULL);
    member_add(&t, &b, 'b', "exit 4", NULL);
    assert_int_equal(ssp_unit_run(t.unit, NULL), 4);
    ssp_unit_free(t.unit);
}

static void a_signal_before_it_runs_ends_it(void **unused)
{
    struct trial t = begin();
    struct member member;
    (void)unused;
    member_add(&t, &member, 'a', "exec sleep 60", NULL);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(ssp_unit_run(t.unit, NULL), SSP_EXIT_OK);
    assert_null(strchr(t.order, '!'));
    ssp_unit_free(t.unit);
}

static void pass_reload(void *arg)
{
    const struct trial *t = arg;
    ssp_host_reload(ssp_unit_host(t->unit, 0));
}

/* It has set its trap. */
static void hang_up(void *arg, const char *line)
{
    const struct member *p = arg;
    assert_string_equal(line, "up");
    ssp_host_declare_ready(ssp_unit_host(p->trial->unit, 0));
    assert_int_equal(raise(SIGHUP), 0);
}

/* The member that is told to read its files again ends with a status of its own. */
static void a_hangup_is_for_who_asks_for_it(void **unused)
{
    struct trial t = begin();
    struct member member;
    (void)unused;
    ssp_unit_on_reload(t.unit, pass_reload, &t);
    member_add(&t, &member, 'a',
               "trap 'exit 9' HUP; echo up; sleep 60 & while kill -0 $!; do wait; done", hang_up);
    assert_int_equal(ssp_unit_run(t.unit, NULL), 9);
    ssp_unit_free(t.unit);
}

static void a_hangup_alone_changes_nothing(void **unused)
{
    struct trial t = begin();
    struct member member;
    (void)unused;
    t.stops = true;
    ssp_unit_on_ready(t.unit, all_ready, &t);
    member_add(&t, &member, 'a', "exec sleep 60", NULL);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(ssp_unit_run(t.unit, NULL), 3);
    ssp_unit_free(t.unit);
}

static void what_cannot_be_started_is_the_systems_fault(void **unused)
{
    struct trial t = begin();
    const ssp_host_conf conf = {.size = sizeof conf, .plugin = "/no/such/program"};
    ssp_host_conf unset = conf;
    (void)unused;
    unset.size = 0;
    assert_int_equal(ssp_unit_add(t.unit, &unset), -1);
    assert_int_equal(ssp_unit_add(t.unit, &conf), 0);
    assert_int_equal(ssp_unit_run(t.unit, NULL), SSP_EXIT_OS);
    ssp_unit_free(t.unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_status_is_that_of_the_member_that_died),
        cmocka_unit_test(an_end_without_a_status_is_a_bug),
        cmocka_unit_test(members_start_one_after_another),
        cmocka_unit_test(the_first_death_counts),
        cmocka_unit_test(a_signal_before_it_runs_ends_it),
        cmocka_unit_test(a_hangup_is_for_who_asks_for_it),
        cmocka_unit_test(a_hangup_alone_changes_nothing),
        cmocka_unit_test(what_cannot_be_started_is_the_systems_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
