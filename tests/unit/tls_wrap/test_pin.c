/* SPDX-License-Identifier: Apache-2.0 */
#include "certificates.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

/* Made by `openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64`. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBejCCAR+gAwIBAgIUC0acxFi9TdLPZYLGtnOe2nlF610wCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHZXgudGVzdDAeFw0yNjExMjAyMjUzMjNaFw0zNjExMTcyMjUz\n"
    "MjNaMBIxEDAOBgNVBAMMB2V4LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AASlJjRHZsEatD+LAsHxzwwgOxAPf+7NPANfPchQ/SlVz8TDImQGKGgw1n+ztW+h\n"
    "gMBbkElK2h1OUSo7fxdYVuGfo1MwUTAdBgNVHQ4EFgQUkCglR+l3CfjkHoAPhucm\n"
    "IZEqQqEwHwYDVR0jBBgwFoAUkCglR+l3CfjkHoAPhucmIZEqQqEwDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEArEk1Q8vGLuGfpr04uoW/pLO9Oi9z\n"
    "OxsFkH8Vil5GZO4CIQDPJxZnIRabPA0rCivH6B6ZOBXm8byZgtA1JeDvEXo7Hg==\n"
    "-----END CERTIFICATE-----\n";
static const char known[] = "sha256//s+5n3uU/BjVVB0OPWStGfiWa6uMZ3hj92xBx90Cf4xE=";
static const char other[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

static X509 *read_certificate(void)
{
    BIO *bio = BIO_new_mem_buf(certificate, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    (void)BIO_free(bio);
    assert_non_null(x);
    return x;
}

static void is_what_openssl_and_curl_say(void **state)
{
    (void)state;
    char pin[TLS_PIN_MAX];
    X509 *x = read_certificate();
    assert_int_equal(tls_pin_of(x, pin), 0);
    assert_string_equal(pin, known);
    X509_free(x);
}

static void matches_in_a_list(void **state)
{
    (void)state;
    char list[200];
    X509 *x = read_certificate();
    assert_true(tls_pin_matches(known, x));
    assert_false(tls_pin_matches(other, x));
    (void)snprintf(list, sizeof list, "%s,%s", other, known);
    assert_true(tls_pin_valid(list));
    assert_true(tls_pin_matches(list, x));
    (void)snprintf(list, sizeof list, "%s,%s", other, other);
    assert_false(tls_pin_matches(list, x));
    X509_free(x);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "sha256//",
        "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "sha256//AAAAAAAAAAAAAAAAAAAA!AAAAAAAAAAAAAAAAAAAAAA=",
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=A",
        "sha512//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,",
        ",sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (tls_pin_valid(wrong[i]))
            fail_msg("valid: %s", wrong[i]);
    }
    assert_true(tls_pin_valid(other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_openssl_and_curl_say),
        cmocka_unit_test(matches_in_a_list),
        cmocka_unit_test(refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
