/* SPDX-License-Identifier: Apache-2.0 */
/* A process in which one allocation fails while OpenSSL is used for the first time: it ends with a
 * line, or loses one connection. */
#include "ends.h"
#include "libcrypto/start.h"
#include "scarce.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CONNECTIONS = 3,
    STEP = 131, /* a prime finds other places each time */
    LEAST = 1000,
    SERVED = 100, /* and the connections that were lost */
    NOT_MET = 99
};

/* A client and a server of the same process, which start as programs do. */
static int serve(unsigned long n)
{
    char why[256] = "", options[1024];
    unsigned lost = 0;
    scarce_from(n, false);
    (void)snprintf(options, sizeof options, "host=ex.test;ca=" LAWS "/cert.pem");
    ssp_conf *client = ssp_conf_new(&tls_wrap, SSP_CLIENT, options, why, sizeof why);
    (void)snprintf(options, sizeof options, "cert=" LAWS "/cert.pem;key=" LAWS "/key.pem");
    ssp_conf *server =
        client != NULL ? ssp_conf_new(&tls_wrap, SSP_SERVER, options, why, sizeof why) : NULL;
    for (int i = 0; server != NULL && i < CONNECTIONS; i++)
        lost += !ends_exchange(client, server);
    bool met = scarce_count() >= n;
    scarce_from(0, false);
    ssp_conf_free(client);
    ssp_conf_free(server);
    if (server != NULL)
        return met || lost > 0 ? (int)(SERVED + lost) : NOT_MET;
    (void)fputs(why, stderr);
    return SSP_EXIT_OS;
}

/* Returns how a new process ended; said is what it wrote. */
static int child_with(unsigned long n, char *said, size_t cap)
{
    int status = -1, ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        _exit(serve(n));
    }
    (void)close(ends[1]);
    ssize_t len = read(ends[0], said, cap - 1);
    said[len > 0 ? len : 0] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void no_memory_at_a_first_use_is_told_or_costs_one_connection(void **state)
{
    char said[512];
    unsigned long n = 1;
    int how = 0;
    (void)state;
    for (; how != NOT_MET; n += STEP) {
        how = child_with(n, said, sizeof said);
        bool told = how == SSP_EXIT_OS && strstr(said, "memory") != NULL;
        if (!told && how != NOT_MET && how != SERVED && how != SERVED + 1)
            fail_msg("allocation %lu: %d: \"%s\"", n, how, said);
    }
    assert_true(n > LEAST);
}

static void *take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return malloc(size);
}

static void *resize(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return realloc(block, size);
}

static void release(void *block, const char *file, int line)
{
    (void)file, (void)line;
    free(block);
}

/* Blocks that it has taken with its own allocator would go back to another one. */
static void the_allocator_of_a_program_stays(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        CRYPTO_malloc_fn present = NULL;
        if (CRYPTO_set_mem_functions(take, resize, release) != 1)
            _exit(1);
        ssp__libcrypto_start(SSP_EXIT_OS);
        CRYPTO_get_mem_functions(&present, NULL, NULL);
        _exit(present == take ? 0 : 2);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_allocator_of_a_program_stays),
        cmocka_unit_test(no_memory_at_a_first_use_is_told_or_costs_one_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
