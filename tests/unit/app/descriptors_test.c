/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that go to another process all arrive, or none. */
#include "app/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 150 };

struct fixture {
    int pair[2], sent[MANY], came[MANY];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->pair), 0);
    for (int i = 0; i < MANY; i++)
        f->sent[i] = f->pair[0];
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)close(f->pair[0]);
    (void)close(f->pair[1]);
    free(f);
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
    struct fixture *f = *state;
    int before = count_open();
    assert_int_equal(ss_descriptors_send(f->pair[0], f->sent, MANY), 0);
    assert_int_equal(ss_descriptors_receive(f->pair[1], f->came, MANY), 0);
    assert_int_equal(count_open(), before + MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(close(f->came[i]), 0);
}

static void a_sender_that_ends_before_the_last_leaves_none(void **state)
{
    struct fixture *f = *state;
    int before = count_open();
    assert_int_equal(ss_descriptors_send(f->pair[0], f->sent, MANY - 1), 0);
    assert_int_equal(shutdown(f->pair[0], SHUT_WR), 0);
    assert_int_equal(ss_descriptors_receive(f->pair[1], f->came, MANY), -1);
    assert_int_equal(errno, EPROTO);
    assert_int_equal(count_open(), before);
}

/* The kernel drops those beyond the limit without an error. */
static void more_than_the_limit_of_open_files_leave_none(void **state)
{
    struct fixture *f = *state;
    struct rlimit limit, low;
    int before = count_open();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 100;
    assert_int_equal(ss_descriptors_send(f->pair[0], f->sent, MANY), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int rc = ss_descriptors_receive(f->pair[1], f->came, MANY), error = errno;
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
