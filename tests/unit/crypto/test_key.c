/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_key_of_a_password_is_that_of_every_shadowsocks(void **state)
{
    /* MD5("barfoo!"), MD5(the former, "barfoo!"): as EVP_BytesToKey in other implementations. */
    static const uint8_t expected[] = {0xb3, 0xad, 0xc4, 0x78, 0x39, 0xe0, 0x47, 0xeb,
                                       0x22, 0x88, 0x70, 0x52, 0x6d, 0xc8, 0xfc, 0x30,
                                       0xb3, 0x47, 0x28, 0x7f, 0xfc, 0xa3, 0x04, 0x5d,
                                       0xce, 0xa0, 0x6b, 0x3f, 0xdf, 0x09, 0x0a, 0xcb};
    (void)state;
    for (size_t i = 0; i < SS_CIPHERS; i++) {
        uint8_t key[SS_KEY_MAX];
        assert_int_equal(ss_key_from_password(key, &ss_ciphers[i], "barfoo!"), 0);
        assert_memory_equal(key, expected, ss_ciphers[i].key_len);
    }
}

static void a_session_key_is_hkdf_with_the_purpose_of_shadowsocks(void **state)
{
    static const uint8_t expected[] = {0xa7, 0x81, 0xd4, 0x10, 0x39, 0x19, 0x6a, 0x38,
                                       0x38, 0x82, 0x02, 0x22, 0x11, 0x66, 0x61, 0x53,
                                       0xcc, 0x06, 0xe2, 0xdc, 0xd2, 0xdc, 0x60, 0x76,
                                       0x33, 0x07, 0xd8, 0x84, 0x9e, 0x6c, 0xc9, 0x49};
    uint8_t key[SS_KEY_MAX], salt[SS_SALT_MAX], subkey[SS_KEY_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)(100 + i);
        salt[i] = (uint8_t)i;
    }
    assert_int_equal(ss_key_session(subkey, &ss_ciphers[SS_AES_256_GCM], key, salt), 0);
    assert_memory_equal(subkey, expected, sizeof expected);
}

static void a_key_text_may_be_of_either_alphabet_with_or_without_padding(void **state)
{
    static const char *const texts[] = {"-_-_AAECAwQFBgcICQoLDA==", "-_-_AAECAwQFBgcICQoLDA",
                                        "+/+/AAECAwQFBgcICQoLDA==", "+/+/AAECAwQFBgcICQoLDA"};
    static const uint8_t expected[] = {0xfb, 0xff, 0xbf, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t key[SS_KEY_MAX] = {0};
        size_t len;
        assert_int_equal(ss_key_from_base64(key, &ss_ciphers[SS_AES_128_GCM], texts[i], &len),
                         SS_KEY_OK);
        assert_memory_equal(key, expected, sizeof expected);
    }
}

static void a_key_text_of_another_length_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "AA==", "AAECAwQFBgcICQoLDA0O",
        "AAECAwQFBgcICQoLDA0ODxA=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="};
    static const uint8_t zero[16];
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t key[SS_KEY_MAX];
        size_t len;
        memset(key, 0xee, sizeof key);
        assert_int_equal(ss_key_from_base64(key, &ss_ciphers[SS_AES_128_GCM], texts[i], &len),
                         SS_KEY_WRONG_LENGTH);
        assert_memory_equal(key, zero, sizeof zero);
    }
}

static void a_key_text_that_is_not_base64_is_refused(void **state)
{
    static const char *const texts[] = {"correct horse battery!", "AAECAwQFBgcICQoLDA0ODw==\n",
                                        "AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0ODw="};
    uint8_t key[SS_KEY_MAX];
    char endless[1000];
    size_t len;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(ss_key_from_base64(key, &ss_ciphers[SS_AES_128_GCM], texts[i], &len),
                         SS_KEY_MALFORMED);
    memset(endless, 'A', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_not_equal(ss_key_from_base64(key, &ss_ciphers[SS_AES_128_GCM], endless, &len),
                         SS_KEY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_of_a_password_is_that_of_every_shadowsocks),
        cmocka_unit_test(a_session_key_is_hkdf_with_the_purpose_of_shadowsocks),
        cmocka_unit_test(a_key_text_may_be_of_either_alphabet_with_or_without_padding),
        cmocka_unit_test(a_key_text_of_another_length_is_refused),
        cmocka_unit_test(a_key_text_that_is_not_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
