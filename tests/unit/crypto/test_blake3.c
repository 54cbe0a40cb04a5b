/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/blake3.h"

#include "blake3_vectors.h"

#include <sodium.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_SIZE = 2 * SS_BLAKE3_LEN + 1 };

static uint8_t *input(size_t n)
{
    uint8_t *in = malloc(n + 1); /* exact but for the empty one */
    assert_non_null(in);
    for (size_t i = 0; i < n; i++)
        in[i] = (uint8_t)(i % 251);
    return in;
}

static void is(const uint8_t *out, const char *expected)
{
    char text[TEXT_SIZE];
    (void)sodium_bin2hex(text, sizeof text, out, SS_BLAKE3_LEN);
    assert_string_equal(text, expected);
}

static void hashes_and_keys_are_those_of_the_official_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blake3_vectors / sizeof blake3_vectors[0]; i++) {
        uint8_t out[SS_BLAKE3_LEN], *in = input(blake3_vectors[i].input_len);
        ss_blake3_hash(in, blake3_vectors[i].input_len, out);
        is(out, blake3_vectors[i].hash);
        ss_blake3_derive(BLAKE3_CONTEXT, in, blake3_vectors[i].input_len, out);
        is(out, blake3_vectors[i].derive_key);
        free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_and_keys_are_those_of_the_official_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
