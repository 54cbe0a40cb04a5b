/* SPDX-License-Identifier: Apache-2.0 */
/* Users of plugins whose hosts start at the same time: no plugin runs yet. */
#include "host/own_user.h"

#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void only_root_can_test_this(void)
{
    if (geteuid() != 0 || getpwnam(SSP_OWN_ACCOUNT) != NULL || access("/run", W_OK) == -1)
        skip();
}

static int choose(struct ssp__privilege *p)
{
    int lock_fd;
    assert_true(ssp__own_user(p, "one service", &lock_fd));
    assert_true(p->change && p->own);
    assert_int_not_equal(lock_fd, -1);
    return lock_fd;
}

static void two_hosts_take_two_users(void **unused)
{
    struct ssp__privilege one, other, again;
    (void)unused;
    only_root_can_test_this();
    int first = choose(&one), second = choose(&other);
    assert_int_not_equal(one.uid, other.uid);
    (void)close(first);
    first = choose(&again);
    assert_int_equal(again.uid, one.uid);
    (void)close(first);
    (void)close(second);
}

/* The lock is of the descriptor: a child of the host, such as its guardian, releases nothing. */
static void a_child_that_ends_leaves_the_lock(void **unused)
{
    struct ssp__privilege one, other;
    (void)unused;
    only_root_can_test_this();
    int first = choose(&one);
    pid_t child = fork();
    if (child == 0)
        _exit(close(first));
    assert_int_equal(waitpid(child, NULL, 0), child);
    int second = choose(&other);
    assert_int_not_equal(one.uid, other.uid);
    (void)close(first);
    (void)close(second);
}

static void the_file_of_locks_is_closed_to_others(void **unused)
{
    struct ssp__privilege one;
    struct stat st;
    (void)unused;
    only_root_can_test_this();
    int first = choose(&one);
    assert_int_equal(fstat(first, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fcntl(first, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    (void)close(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hosts_take_two_users),
        cmocka_unit_test(a_child_that_ends_leaves_the_lock),
        cmocka_unit_test(the_file_of_locks_is_closed_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
