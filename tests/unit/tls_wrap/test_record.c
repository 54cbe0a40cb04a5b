/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

static void asks_for_a_header_first(void **state)
{
    (void)state;
    static const uint8_t wire[] = {23, 3, 3, 0, 7};
    for (size_t n = 0; n < TLS_HEADER_LEN; n++)
        assert_int_equal(tls_record_length(wire, n), TLS_HEADER_LEN);
    assert_int_equal(tls_record_length(wire, sizeof wire), TLS_HEADER_LEN + 7);
}

static void knows_every_type_and_version(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        const uint8_t wire[] = {(uint8_t)type};
        bool known = type >= 20 && type <= 23;
        assert_int_equal(tls_record_length(wire, 1), known ? TLS_HEADER_LEN : SSP_NPOS);
    }
    for (unsigned major = 0; major < 256; major++) {
        const uint8_t wire[] = {22, (uint8_t)major};
        assert_int_equal(tls_record_length(wire, 2), major == 3 ? TLS_HEADER_LEN : SSP_NPOS);
    }
}

static void refuses_what_is_too_long(void **state)
{
    (void)state;
    for (unsigned len = 0; len < 65536; len++) {
        const uint8_t wire[] = {23, 3, 3, (uint8_t)(len >> 8), (uint8_t)len};
        bool fits = len <= TLS_PLAIN_MAX + 2048;
        assert_int_equal(tls_record_length(wire, sizeof wire),
                         fits ? TLS_HEADER_LEN + len : SSP_NPOS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_a_header_first),
        cmocka_unit_test(knows_every_type_and_version),
        cmocka_unit_test(refuses_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
