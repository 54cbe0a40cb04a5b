/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of randomness: calls are counted, and what a child gets is compared. */
#include "base/random_pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SALT = 32 };

static unsigned calls;
static bool old_kernel;

ssize_t __real_getrandom(void *bytes, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags);
int __real_madvise(void *memory, size_t n, int advice);
int __wrap_madvise(void *memory, size_t n, int advice);

ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags)
{
    calls++;
    return __real_getrandom(bytes, n, flags);
}

int __wrap_madvise(void *memory, size_t n, int advice)
{
    errno = EINVAL;
    return old_kernel && advice == MADV_WIPEONFORK ? -1 : __real_madvise(memory, n, advice);
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void salts_cost_one_call_and_leave_the_pool(void **state)
{
    enum { SALTS = 3 * (SSP_RANDOM_POOL / SALT) };
    static uint8_t salt[SALTS][SALT];
    struct ssp__random_pool *pool = ssp__random_pool_new();
    (void)state;
    assert_non_null(pool);
    calls = 0;
    for (unsigned i = 0; i < SALTS; i++) {
        ssp__random_pool_take(pool, salt[i], SALT);
        for (unsigned before = 0; before < i; before++)
            assert_memory_not_equal(salt[i], salt[before], SALT);
        assert_true(all_zero(pool->bytes + pool->left, SALT));
        assert_false(all_zero(salt[i], SALT));
    }
    assert_in_range(calls, 3, 4);
    ssp__random_pool_free(pool);
}

static void more_than_the_pool_has_is_the_kernels(void **state)
{
    static uint8_t bytes[2 * SSP_RANDOM_POOL];
    struct ssp__random_pool *pool = ssp__random_pool_new();
    (void)state;
    ssp__random_pool_take(pool, bytes, SALT);
    size_t left = pool->left;
    ssp__random_pool_take(pool, bytes, sizeof bytes);
    assert_int_equal(pool->left, left);
    assert_false(all_zero(bytes + sizeof bytes - SALT, SALT));
    ssp__random_pool_take(pool, bytes, sizeof pool->bytes);
    assert_int_equal(pool->left, 0);
    ssp__random_pool_free(pool);
}

static void a_child_takes_other_bytes(void **state)
{
    struct ssp__random_pool *pool = ssp__random_pool_new();
    uint8_t own[SALT], theirs[SALT];
    int end[2], status = -1;
    (void)state;
    ssp__random_pool_take(pool, own, sizeof own);
    assert_int_equal(pipe(end), 0);
    pid_t child = fork();
    if (child == 0) {
        bool empty = pool->left == 0 && all_zero(pool->bytes, sizeof pool->bytes);
        ssp__random_pool_take(pool, theirs, sizeof theirs);
        bool said = write(end[1], theirs, sizeof theirs) == sizeof theirs;
        _exit(empty && said ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(end[0], theirs, sizeof theirs), sizeof theirs);
    ssp__random_pool_take(pool, own, sizeof own);
    assert_memory_not_equal(own, theirs, sizeof own);
    (void)close(end[0]);
    (void)close(end[1]);
    ssp__random_pool_free(pool);
}

static void without_wiping_on_fork_there_is_no_pool(void **state)
{
    (void)state;
    old_kernel = true;
    assert_null(ssp__random_pool_new());
    old_kernel = false;
    ssp__random_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(salts_cost_one_call_and_leave_the_pool),
        cmocka_unit_test(more_than_the_pool_has_is_the_kernels),
        cmocka_unit_test(a_child_takes_other_bytes),
        cmocka_unit_test(without_wiping_on_fork_there_is_no_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
