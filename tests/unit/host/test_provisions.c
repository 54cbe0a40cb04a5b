/* SPDX-License-Identifier: Apache-2.0 */
/* Linked with --wrap=ssp__host_environment: memory is out in the last step. */
#include "host/provisions.h"

#include "host/environment.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char **__wrap_ssp__host_environment(const ssp_host_conf *conf, const char *temporary);

char **__wrap_ssp__host_environment(const ssp_host_conf *conf, const char *temporary)
{
    (void)conf;
    assert_int_equal(access(temporary, F_OK), 0);
    return NULL;
}

static void no_directory_is_left_when_memory_is_out(void **unused)
{
    ssp_host_conf conf = {.plugin = "true", .role = SSP_CLIENT, .sandbox = true};
    struct ssp__provisions p;
    char why[512] = "";
    (void)unused;
    assert_int_equal(ssp__provisions_prepare(&p, "/bin/true", &conf, why, sizeof why), -1);
    assert_non_null(strstr(why, "out of memory"));
    assert_int_not_equal(p.temporary[0], '\0');
    assert_int_equal(access(p.temporary, F_OK), -1);
    assert_int_equal(errno, ENOENT);
    ssp__provisions_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_directory_is_left_when_memory_is_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
