/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF by its vectors and beside libcrypto's own.  Built twice: for either source of it. */
#include "crypto/hkdf.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* RFC 5869, appendix A.4 and A.6. */
static void hkdf_computes_the_vectors_of_its_rfc(void **state)
{
    static const uint8_t salt[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t info[] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9};
    static const uint8_t a4[] = {0x08, 0x5a, 0x01, 0xea, 0x1b, 0x10, 0xf3, 0x69, 0x33, 0x06, 0x8b,
                                 0x56, 0xef, 0xa5, 0xad, 0x81, 0xa4, 0xf1, 0x4b, 0x82, 0x2f, 0x5b,
                                 0x09, 0x15, 0x68, 0xa9, 0xcd, 0xd4, 0xf1, 0x55, 0xfd, 0xa2, 0xc2,
                                 0x2e, 0x42, 0x24, 0x78, 0xd3, 0x05, 0xf3, 0xf8, 0x96};
    static const uint8_t a6[] = {0x0a, 0xc1, 0xaf, 0x70, 0x02, 0xb3, 0xd7, 0x61, 0xd1, 0xe5, 0x52,
                                 0x98, 0xda, 0x9d, 0x05, 0x06, 0xb9, 0xae, 0x52, 0x05, 0x72, 0x20,
                                 0xa3, 0x06, 0xe0, 0x7b, 0x6b, 0x87, 0xe8, 0xdf, 0x21, 0xd0, 0xea,
                                 0x00, 0x03, 0x3d, 0xe0, 0x39, 0x84, 0xd3, 0x49, 0x18};
    uint8_t secret[22], out[42];
    (void)state;
    memset(secret, 0x0b, sizeof secret);
    assert_int_equal(ss_hkdf_sha1((struct ss_span){secret, 11}, (struct ss_span){salt, sizeof salt},
                                  (struct ss_span){info, sizeof info}, out, sizeof out),
                     0);
    assert_memory_equal(out, a4, sizeof a4);
    assert_int_equal(ss_hkdf_sha1((struct ss_span){secret, 22}, (struct ss_span){NULL, 0},
                                  (struct ss_span){NULL, 0}, out, sizeof out),
                     0);
    assert_memory_equal(out, a6, sizeof a6);
}

static void hkdf_refuses_what_it_was_not_made_for(void **state)
{
    enum { SECRET, SALT, INFO, PARTS };
    static const size_t most[PARTS] = {SS_HKDF_SECRET_MAX, SS_HKDF_SALT_MAX, SS_HKDF_INFO_MAX};
    static uint8_t out[SS_HKDF_OUT_MAX + 1];
    static const uint8_t zeros[SS_HKDF_SALT_MAX + 1];
    (void)state;
    for (unsigned longer = 0; longer <= PARTS; longer++) {
        struct ss_span part[PARTS];
        for (unsigned i = 0; i < PARTS; i++)
            part[i] = (struct ss_span){zeros, most[i] + (i == longer)};
        assert_int_equal(ss_hkdf_sha1(part[SECRET], part[SALT], part[INFO], out, SS_HKDF_OUT_MAX),
                         longer == PARTS ? 0 : -1);
    }
    const struct ss_span secret = {zeros, 1};
    assert_int_equal(ss_hkdf_sha1(secret, secret, secret, out, sizeof out), -1);
}

static void by_libcrypto(struct ss_span secret, struct ss_span salt, struct ss_span info,
                         uint8_t *out, size_t n)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    assert_int_equal(EVP_PKEY_derive_init(c), 1);
    assert_int_equal(EVP_PKEY_CTX_set_hkdf_md(c, EVP_sha1()), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_hkdf_key(c, secret.bytes, (int)secret.len), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_hkdf_salt(c, salt.bytes, (int)salt.len), 1);
    assert_int_equal(EVP_PKEY_CTX_add1_hkdf_info(c, info.bytes, (int)info.len), 1);
    assert_int_equal(EVP_PKEY_derive(c, out, &n), 1);
    EVP_PKEY_CTX_free(c);
}

/* Each length of each part, and outputs around the length of a hash. */
static void hkdf_is_that_of_libcrypto(void **state)
{
    enum { OUT = 3 * SS_HKDF_HASH_LEN };
    static const size_t lengths[] = {1, 16, 19, 20, 21, 24, 32, 40, 41, OUT};
    uint8_t bytes[3 * SS_HKDF_SALT_MAX], expected[OUT], out[OUT];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(7 * i * i + 3 * i + 1);
    for (size_t i = 0; i < 10 * (size_t)SS_HKDF_SALT_MAX; i++) {
        const struct ss_span secret = {bytes, 1 + i % SS_HKDF_SECRET_MAX},
                             salt = {bytes + SS_HKDF_SALT_MAX, i % (SS_HKDF_SALT_MAX + 1)},
                             info = {bytes + SS_HKDF_SALT_MAX + i % 64, i % (SS_HKDF_INFO_MAX + 1)};
        size_t n = lengths[i % (sizeof lengths / sizeof lengths[0])];
        by_libcrypto(secret, salt, info, expected, n);
        memset(out, 0xee, sizeof out);
        assert_int_equal(ss_hkdf_sha1(secret, salt, info, out, n), 0);
        assert_memory_equal(out, expected, n);
        assert_true(n == OUT || out[n] == 0xee);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf_computes_the_vectors_of_its_rfc),
        cmocka_unit_test(hkdf_refuses_what_it_was_not_made_for),
        cmocka_unit_test(hkdf_is_that_of_libcrypto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
