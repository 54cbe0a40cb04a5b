/* SPDX-License-Identifier: Apache-2.0 */
/* A start without memory: it ends with a line, wherever memory is out and for however long. */
#include "crypto/key.h"
#include "crypto/start.h"
#include "scarce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each child is a process that copies this one: a prime step finds other places each time. */
enum { STEP = 83, LEAST = 1000, SAID = 256, STARTED = 0, WITHOUT_KEY = 1, NO_MEMORY = 2 };

static int start_with(unsigned long n, bool for_good)
{
    uint8_t key[SS_KEY_MAX];
    scarce_from(n, for_good);
    if (ss_crypto_start(abort, NO_MEMORY) != NULL)
        return -1;
    scarce_from(0, false);
    int rc = ss_key_from_password(key, &ss_ciphers[SS_AES_256_GCM], "a password");
    return rc == 0 ? STARTED : WITHOUT_KEY;
}

/* libcrypto can be started once in a process.  Returns how that ended; said is what it wrote. */
static int child_with(unsigned long n, bool for_good, char said[SAID])
{
    int status = -1, ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        _exit(start_with(n, for_good));
    }
    (void)close(ends[1]);
    ssize_t len = read(ends[0], said, SAID - 1);
    said[len > 0 ? len : 0] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void each_place(bool for_good)
{
    char said[SAID];
    unsigned long n = 1;
    for (int how = NO_MEMORY; how != STARTED; n += STEP) {
        how = child_with(n, for_good, said);
        if (how != STARTED && (how != NO_MEMORY || strstr(said, "out of memory") == NULL))
            fail_msg("allocation %lu: %d: \"%s\"", n, how, said);
    }
    assert_true(n > LEAST);
}

static void one_failure_ends_a_start(void **state)
{
    (void)state;
    each_place(false);
}

static void no_memory_ends_a_start(void **state)
{
    (void)state;
    each_place(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failure_ends_a_start),
        cmocka_unit_test(no_memory_ends_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
