/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that go to another process all arrive, or none. */
#include "app/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 150 };

static int pair[2], sent[MANY], came[MANY];

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    for (int i = 0; i < MANY; i++)
        sent[i] = pair[0];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(pair[0]);
    (void)close(pair[1]);
    return 0;
}

static int count_open(void)
{
    int n = 0;
    DIR *all = opendir("/proc/self/fd");
    assert_non_null(all);
    while (readdir(all) != NULL)
        n++;
    (void)closedir(all);
    return n;
}

static void all_arrive(void **state)
{
    (void)state;
    int before = count_open();
    assert_int_equal(ss_descriptors_send(pair[0], sent, MANY), 0);
    assert_int_equal(ss_descriptors_receive(pair[1], came, MANY), 0);
    assert_int_equal(count_open(), before + MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(close(came[i]), 0);
}

static void a_sender_that_ends_before_the_last_leaves_none(void **state)
{
    (void)state;
    int before = count_open();
    assert_int_equal(ss_descriptors_send(pair[0], sent, MANY - 1), 0);
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
    assert_int_equal(ss_descriptors_receive(pair[1], came, MANY), -1);
    assert_int_equal(errno, EPROTO);
    assert_int_equal(count_open(), before);
}

/* The kernel drops those beyond the limit without an error. */
static void more_than_the_limit_of_open_files_leave_none(void **state)
{
    (void)state;
    struct rlimit limit, low;
    int before = count_open();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 100;
    assert_int_equal(ss_descriptors_send(pair[0], sent, MANY), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int rc = ss_descriptors_receive(pair[1], came, MANY), error = errno;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(rc, -1);
    assert_int_equal(error, EMFILE);
    assert_int_equal(count_open(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_arrive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sender_that_ends_before_the_last_leaves_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(more_than_the_limit_of_open_files_leave_none, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
