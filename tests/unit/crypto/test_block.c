/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 197, appendices C.1 and C.3: keys and plain text count up. */
static void blocks_are_those_of_the_standard(void **state)
{
    static const struct {
        size_t key_len;
        uint8_t sealed[SS_BLOCK_LEN];
    } vectors[] = {{16,
                    {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70,
                     0xb4, 0xc5, 0x5a}},
                   {32,
                    {0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b,
                     0x49, 0x60, 0x89}}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ss_block seals = {.context = NULL}, opens = {.context = NULL};
        uint8_t key[32], plain[SS_BLOCK_LEN], out[SS_BLOCK_LEN];
        for (uint8_t k = 0; k < sizeof key; k++)
            key[k] = k;
        for (uint8_t k = 0; k < sizeof plain; k++)
            plain[k] = (uint8_t)(k << 4 | k);
        assert_int_equal(ss_block_key(&seals, true, key, vectors[i].key_len), 0);
        assert_int_equal(ss_block_key(&opens, false, key, vectors[i].key_len), 0);
        for (int again = 0; again < 3; again++) {
            assert_int_equal(ss_block_run(&seals, plain, out), 0);
            assert_memory_equal(out, vectors[i].sealed, sizeof out);
            assert_int_equal(ss_block_run(&opens, out, out), 0);
            assert_memory_equal(out, plain, sizeof out);
        }
        key[0] = 1; /* another key in the same memory */
        assert_int_equal(ss_block_key(&seals, true, key, vectors[i].key_len), 0);
        assert_int_equal(ss_block_run(&seals, plain, out), 0);
        assert_memory_not_equal(out, vectors[i].sealed, sizeof out);
        ss_block_wipe(&seals);
        ss_block_wipe(&opens);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_those_of_the_standard)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
