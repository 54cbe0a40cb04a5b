/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/start.h"
#include "crypto/vault.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 200, SIZE = 120, PAGE = 4096 };

static void each_object_is_apart_and_many_share_a_page(void **state)
{
    struct ss_vault vault = {.open = NULL};
    uint8_t *object[MANY], other[SIZE] = {0};
    unsigned pages = 0;
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            object[i] = ss_vault_take(&vault, SIZE);
            assert_non_null(object[i]);
            assert_memory_equal(object[i], other, SIZE);
            memset(object[i], (int)i + 1, SIZE);
            ss_vault_seal(object[i]);
            bool fresh = true;
            for (unsigned k = 0; k < i; k++)
                fresh = fresh && (uintptr_t)object[k] / PAGE != (uintptr_t)object[i] / PAGE;
            pages += fresh ? 1 : 0;
        }
        for (unsigned i = 0; i < MANY; i++) {
            for (unsigned k = 0; k < SIZE; k++)
                assert_int_equal(object[i][k], (uint8_t)(i + 1));
        }
        for (unsigned i = 0; i < MANY; i += 2) /* from the middle of pages, and then the rest */
            ss_vault_give(object[i]);
        for (unsigned i = 1; i < MANY; i += 2)
            ss_vault_give(object[i]);
        assert_null(vault.open);
    }
    assert_true(pages <= 2 * (MANY / 20));
}

static void sizes_do_not_mix_and_a_large_one_has_its_pages(void **state)
{
    struct ss_vault vault = {.open = NULL};
    (void)state;
    uint8_t *small = ss_vault_take(&vault, 16), *large = ss_vault_take(&vault, 3 * PAGE);
    uint8_t *alone = ss_vault_take(NULL, SIZE);
    assert_true(small != NULL && large != NULL && alone != NULL);
    memset(large, 1, 3 * PAGE);
    memset(alone, 1, SIZE);
    ss_vault_give(large);
    ss_vault_give(alone);
    ss_vault_give(small);
    ss_vault_give(NULL);
    assert_null(vault.open);
}

/* The status of a child that reads or writes the object. */
static int in_fork(uint8_t *object, bool writes)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)signal(SIGSEGV, SIG_DFL);
        if (writes)
            *(volatile uint8_t *)object = 1;
        _exit(*(volatile uint8_t *)object);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_sealed_object_cannot_be_written_and_a_fork_gets_zeros(void **state)
{
    struct ss_vault vault = {.open = NULL};
    (void)state;
    uint8_t *object = ss_vault_take(&vault, SIZE);
    *object = 7;
    ss_vault_seal(object);
    assert_int_equal(*object, 7);
    int status = in_fork(object, false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    status = in_fork(object, true);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ss_vault_give(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_object_is_apart_and_many_share_a_page),
        cmocka_unit_test(sizes_do_not_mix_and_a_large_one_has_its_pages),
        cmocka_unit_test(a_sealed_object_cannot_be_written_and_a_fork_gets_zeros),
    };
    return ss_crypto_start(abort, 1) == NULL ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
