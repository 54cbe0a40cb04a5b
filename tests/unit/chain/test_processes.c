/* SPDX-License-Identifier: Apache-2.0 */
/* Stages become processes, and what these tell becomes one. */
#include "chain/notices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct stages stages;
static struct processes processes;

static int make(const char *options)
{
    static const struct stages_self self = {"/nonexistent/chain", "/nonexistent", 0};
    char why[512];
    if (stages_read(&stages, options, &self, why, sizeof why) == -1)
        fail_msg("%s: %s", options, why);
    assert_int_equal(processes_make(&processes, &stages), 0);
    return (int)processes.n;
}

static int release(void **unused)
{
    (void)unused;
    processes_release(&processes);
    stages_release(&stages);
    return 0;
}

static void neighbours_of_ours_are_one(void **unused)
{
    (void)unused;
    assert_int_equal(make("1=obfs-local;2=obfs-local;3=/bin/cat;4=/bin/cat;5=obfs-local"), 4);
    assert_int_equal(processes.process[0].n, 2);
    assert_true(processes.process[0].stacked);
    assert_string_equal(processes.process[0].names, "obfs-local,obfs-local");
    assert_int_equal(processes.process[1].first, 2);
    assert_false(processes.process[1].stacked);
    assert_int_equal(processes.process[3].first, 4);
    assert_true(processes.process[3].stacked);
}

static void options_go_to_their_own_codec(void **unused)
{
    (void)unused;
    assert_int_equal(
        make("1=obfs-local;1.obfs=http;1.obfs_host=a\\;b;2=obfs-local;2.obfs=tls;2.t=5"), 1);
    assert_string_equal(
        processes.process[0].options.text,
        "obfs-local.obfs=http;obfs-local.obfs_host=a\\;b;obfs-local-2.obfs=tls;t=5");
}

static void a_program_gets_what_is_its_own(void **unused)
{
    (void)unused;
    assert_int_equal(make("1=/bin/cat;1.server;1.path=/x\\\\y;2=/bin/cat"), 2);
    assert_string_equal(processes.process[0].options.text, "server;path=/x\\\\y");
    assert_null(processes.process[1].options.text);
}

static void statistics_have_the_bytes_of_each(void **unused)
{
    struct notices notices = {.processes = &processes};
    char text[512];
    (void)unused;
    (void)make("1=obfs-local;2=/bin/cat;3=obfs-local");
    assert_string_equal(notices_compose(&notices, text, sizeof text), "");
    notices_stats(&notices, 2, "conns=2 live=1 up=30 down=40 foreign=0 fail=0");
    assert_string_equal(notices_compose(&notices, text, sizeof text), "3.up=30 3.down=40");
    notices_stats(&notices, 0, "conns=1 live=1 up=3 down=4 foreign=0 fail=0");
    assert_string_equal(notices_compose(&notices, text, sizeof text),
                        "conns=1 live=1 up=3 down=4 foreign=0 fail=0 1.up=3 1.down=4 "
                        "3.up=30 3.down=40");
}

static void the_stages_of_a_chain_inside_are_not_ours(void **unused)
{
    struct notices notices = {.processes = &processes};
    char text[512], told[512] = "conns=1 live=1 up=3 down=4 foreign=0 fail=0";
    (void)unused;
    (void)make("1=/bin/cat;2=obfs-local");
    for (size_t i = 1; i <= 16; i++)
        (void)snprintf(told + strlen(told), sizeof told - strlen(told), " %zu.up=1 %zu.down=2", i,
                       i);
    notices_stats(&notices, 0, told);
    assert_string_equal(notices_compose(&notices, text, sizeof text),
                        "conns=1 live=1 up=3 down=4 foreign=0 fail=0 1.up=3 1.down=4");
}

static void options_for_clients_get_the_number(void **unused)
{
    struct items items = {.text = NULL};
    (void)unused;
    notices_client_options(&items, 2, "cert=a\\;b=c;flag");
    assert_string_equal(items.text, "2.cert=a\\;b\\=c;2.flag");
    items_release(&items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(neighbours_of_ours_are_one, release),
        cmocka_unit_test_teardown(options_go_to_their_own_codec, release),
        cmocka_unit_test_teardown(a_program_gets_what_is_its_own, release),
        cmocka_unit_test_teardown(statistics_have_the_bytes_of_each, release),
        cmocka_unit_test_teardown(the_stages_of_a_chain_inside_are_not_ours, release),
        cmocka_unit_test(options_for_clients_get_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
