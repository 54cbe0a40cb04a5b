/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static struct ssp__address address(const char *host, uint16_t port)
{
    struct ssp__address a = {.len = 0};
    if (host != NULL)
        assert_int_equal(ssp__address_parse(&a, host, port), 0);
    return a;
}

static void says(const char *client, const char *reached, const char *header, size_t n)
{
    uint8_t wire[SSP_PROXY_HEADER_MAX];
    struct ssp__address from = address(client, 4660), to = address(reached, 443);
    assert_int_equal(ssp__proxy_header_write(&from, &to, wire), n);
    assert_memory_equal(wire, header, n);
}

#define SAYS(client_, reached_, header_)                                                           \
    says(client_, reached_, SIGNATURE header_, sizeof(SIGNATURE header_) - 1)

static void the_client_is_told_as_the_specification_says(void **state)
{
    (void)state;
    SAYS("192.0.2.1", "192.0.2.9", "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\x9\x12\x34\1\xbb");
    SAYS("::ffff:192.0.2.1", "192.0.2.9", "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\x9\x12\x34\1\xbb");
    SAYS("192.0.2.1", "::1", "\x21\x11\0\x0c\xc0\0\2\1\0\0\0\0\x12\x34\0\0");
    SAYS("192.0.2.1", NULL, "\x21\x11\0\x0c\xc0\0\2\1\0\0\0\0\x12\x34\0\0");
    SAYS("2001:db8::1", "::1",
         "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x12"
         "\x34\1\xbb");
    SAYS(NULL, "192.0.2.9", "\x20\0\0\0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_told_as_the_specification_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
