/* SPDX-License-Identifier: Apache-2.0 */
/* A start without memory, as far as libcrypto asks for it: each of its first requests fails, and so
 * do all behind it. */
#include "crypto/key.h"
#include "crypto/start.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUESTS = 400, STARTED = 0, REFUSED = 1, WITHOUT_KEY = 2 };

static unsigned left;

static void *take(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return left > 0 ? left--, malloc(n) : NULL;
}

static void *take_again(void *old, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return left > 0 ? left--, realloc(old, n) : NULL;
}

static void give_back(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

static int start_with(unsigned requests)
{
    uint8_t key[SS_KEY_MAX];
    left = requests;
    if (CRYPTO_set_mem_functions(take, take_again, give_back) != 1)
        return -1;
    if (ss_crypto_start(abort) != NULL)
        return REFUSED;
    int rc = ss_key_from_password(key, &ss_ciphers[SS_AES_256_GCM], "a password");
    return rc == 0 ? STARTED : WITHOUT_KEY;
}

/* libcrypto can be started once in a process. */
static int child_with(unsigned requests)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(start_with(requests));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_start_without_memory_is_refused(void **state)
{
    unsigned seen[3] = {0};
    (void)state;
    /* Some of these do not return without memory, and no test brings a library to that. */
    if (OPENSSL_VERSION_NUMBER >= 0x30200000L) {
        print_message("not tried with %s\n", OPENSSL_VERSION_TEXT);
        skip();
    }
    for (unsigned n = 0; n < REQUESTS && seen[STARTED] == 0; n++) {
        int how = child_with(n);
        if (how < 0 || how > WITHOUT_KEY)
            fail_msg("with %u requests: %d", n, how);
        seen[how]++;
    }
    assert_true(seen[REFUSED] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_start_without_memory_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
