/* SPDX-License-Identifier: Apache-2.0 */
/* Digests by the vectors of FIPS 180 and of RFC 2202 and 4231, at once and piece by piece. */
#include <ssplugin/digest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LONG "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
#define HASHED "Test Using Larger Than Block-Size Key - Hash Key First"
#define FIVE(x) x x x x x
#define TWENTY(x) FIVE(x) FIVE(x) FIVE(x) FIVE(x)

/* The key is NULL for a digest. */
static const struct vector {
    ssp_hash hash;
    const char *key, *text, *hex;
} vectors[] = {
    {SSP_SHA1, NULL, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {SSP_SHA1, NULL, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {SSP_SHA1, NULL, LONG, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {SSP_SHA256, NULL, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {SSP_SHA256, NULL, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {SSP_SHA256, NULL, LONG, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {SSP_SHA1, TWENTY("\x0b"), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {SSP_SHA1, "Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {SSP_SHA1, TWENTY("\xaa\xaa\xaa\xaa"), HASHED, "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {SSP_SHA256, TWENTY("\x0b"), "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {SSP_SHA256, "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {SSP_SHA256, TWENTY("\xaa"), FIVE(FIVE("\xdd\xdd")),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {SSP_SHA256, TWENTY("\xaa\xaa\xaa\xaa\xaa\xaa") FIVE("\xaa\xaa") "\xaa", HASHED,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static void is_expected(const struct vector *v, const uint8_t *digest)
{
    char hex[2 * SSP_DIGEST_MAX + 1] = "";
    size_t n = v->hash == SSP_SHA1 ? SSP_SHA1_LEN : SSP_SHA256_LEN;
    for (size_t i = 0; i < n; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(hex, v->hex);
}

static bool at_once(const struct vector *v, uint8_t digest[SSP_DIGEST_MAX])
{
    size_t n = strlen(v->text), key_len = v->key != NULL ? strlen(v->key) : 0;
    if (v->key != NULL)
        return v->hash == SSP_SHA1 ? ssp_hmac_sha1(v->key, key_len, v->text, n, digest)
                                   : ssp_hmac_sha256(v->key, key_len, v->text, n, digest);
    return v->hash == SSP_SHA1 ? ssp_sha1(v->text, n, digest) : ssp_sha256(v->text, n, digest);
}

static void each_vector_is_met_at_once(void **state)
{
    uint8_t digest[SSP_DIGEST_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_true(at_once(&vectors[i], digest));
        is_expected(&vectors[i], digest);
    }
}

/* The value is asked for after each piece, which changes nothing. */
static void each_vector_is_met_piece_by_piece(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        size_t len = v->hash == SSP_SHA1 ? SSP_SHA1_LEN : SSP_SHA256_LEN;
        ssp_digest *d = ssp_digest_new(v->hash, v->key, v->key != NULL ? strlen(v->key) : 0);
        uint8_t value[SSP_DIGEST_MAX];
        assert_non_null(d);
        for (const char *at = v->text; *at != '\0'; at++) {
            assert_int_equal(ssp_digest_value(d, value), len);
            assert_true(ssp_digest_add(d, at, 1));
        }
        assert_int_equal(ssp_digest_value(d, value), len);
        is_expected(v, value);
        ssp_digest_free(d);
    }
    ssp_digest_free(NULL);
}

static void an_empty_key_is_a_key(void **state)
{
    const struct vector v = {SSP_SHA256, "", "",
                             "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"};
    uint8_t value[SSP_DIGEST_MAX];
    (void)state;
    assert_true(at_once(&v, value));
    is_expected(&v, value);
    ssp_digest *d = ssp_digest_new(v.hash, v.key, 0);
    assert_non_null(d);
    assert_int_equal(ssp_digest_value(d, value), SSP_SHA256_LEN);
    is_expected(&v, value);
    ssp_digest_free(d);
}

static void a_value_stands_for_what_came_before_it(void **state)
{
    uint8_t first[SSP_DIGEST_MAX], second[SSP_DIGEST_MAX], whole[SSP_DIGEST_MAX];
    ssp_digest *d = ssp_digest_new(SSP_SHA256, "key", 3);
    (void)state;
    assert_true(ssp_digest_add(d, "ab", 2));
    (void)ssp_digest_value(d, first);
    assert_true(ssp_digest_add(d, "c", 1));
    (void)ssp_digest_value(d, second);
    assert_true(ssp_hmac_sha256("key", 3, "ab", 2, whole));
    assert_true(ssp_equal(first, whole, SSP_SHA256_LEN));
    assert_true(ssp_hmac_sha256("key", 3, "abc", 3, whole));
    assert_true(ssp_equal(second, whole, SSP_SHA256_LEN));
    assert_false(ssp_equal(first, second, SSP_SHA256_LEN));
    ssp_digest_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_is_met_at_once),
        cmocka_unit_test(each_vector_is_met_piece_by_piece),
        cmocka_unit_test(an_empty_key_is_a_key),
        cmocka_unit_test(a_value_stands_for_what_came_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
