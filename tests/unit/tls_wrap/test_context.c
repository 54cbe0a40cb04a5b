/* SPDX-License-Identifier: Apache-2.0 */
/* Options and files that are refused, and the sentences. */
#include "ends.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

static struct {
    char directory[CERT_PATH_MAX];
    struct cert good, other;
    char broken[CERT_PATH_MAX], locked[CERT_PATH_MAX];
} files; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */

static int make_files(void **state)
{
    const struct cert_request request = {.name = "ex.test", .ends = 3600};
    (void)state;
    certs_open(files.directory);
    cert_make(&files.good, files.directory, "good", &request);
    cert_make(&files.other, files.directory, "other", &request);
    (void)snprintf(files.broken, CERT_PATH_MAX, "%.40s/broken", files.directory);
    (void)snprintf(files.locked, CERT_PATH_MAX, "%.40s/locked", files.directory);
    file_write(files.broken, "no PEM\n");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(files.locked, "w");
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), "pass", 4, NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(key);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    certs_close(files.directory);
    return 0;
}

__attribute__((format(printf, 3, 4))) static void refuses(ssp_role role, const char *sentence,
                                                          const char *format, ...)
{
    char options[1024], why[512] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(options, sizeof options, format, args);
    va_end(args);
    assert_null(ssp_conf_new(&tls_wrap, role, options, why, sizeof why));
    if (strstr(why, sentence) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", sentence, why);
}

static void refuses_files(void **state)
{
    const struct cert *good = &files.good;
    (void)state;
    refuses(SSP_SERVER, "option cert: is required", "key=%s", good->key);
    refuses(SSP_SERVER, "option key: is required", "cert=%s", good->cert);
    refuses(SSP_SERVER, "option cert: /nonexistent: No such file", "cert=/nonexistent;key=%s",
            good->key);
    refuses(SSP_SERVER, "no start line", "cert=%s;key=%s", files.broken, good->key);
    refuses(SSP_SERVER, "no private key in PEM", "cert=%s;key=%s", good->cert, files.broken);
    refuses(SSP_SERVER, "key values mismatch", "cert=%s;key=%s", good->cert, files.other.key);
    refuses(SSP_SERVER, "with a passphrase", "cert=%s;key=%s", good->cert, files.locked);
    refuses(SSP_CLIENT, "option ca: /nonexistent: No such file", "ca=/nonexistent");
    refuses(SSP_CLIENT, "option ca: ", "ca=%s", files.broken);
}

static void refuses_texts(void **state)
{
    (void)state;
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    refuses(SSP_CLIENT, "option pin: expected sha256//BASE64", "pin=sha256/abc");
    refuses(SSP_CLIENT, "option alpn: expected names", "alpn=h2,,http/1.1");
    refuses(SSP_CLIENT, "option alpn: expected names", "alpn=%s", long_name);
    refuses(SSP_CLIENT, "option host: expected a name", "host=%s", long_name);
    refuses(SSP_CLIENT, "option host: expected a name", "host=");
    refuses(SSP_CLIENT, "option host: expected a name", "host=a b");
    refuses(SSP_CLIENT, "option host: expected a name", "host=https://example.org");
}

/* An index of a BIO that each reload takes would be the last one soon. */
static void reloads_often_and_without_a_leak(void **state)
{
    char why[256] = "";
    (void)state;
    ssp_conf *conf = conf_open(SSP_SERVER, "cert=%s;key=%s", files.good.cert, files.good.key);
    void *values = (void *)(uintptr_t)ssp_conf_values(conf);
    for (int i = 0; i < 300; i++)
        assert_int_equal(tls_wrap.reload(values, why, sizeof why), 0);
    ssp_conf_free(conf);
}

static void stays_as_it_was_when_reload_fails(void **state)
{
    const struct cert_request request = {.name = "ex.test", .ends = 3600};
    struct cert cert;
    struct ends e;
    char why[256] = "";
    (void)state;
    cert_make(&cert, files.directory, "mine", &request);
    ssp_conf *server = conf_open(SSP_SERVER, "cert=%s;key=%s", cert.cert, cert.key);
    ssp_conf *client = conf_open(SSP_CLIENT, "host=ex.test;pin=%s", cert.pin);
    void *values = (void *)(uintptr_t)ssp_conf_values(server);
    file_write(cert.key, "half a key");
    assert_int_equal(tls_wrap.reload(values, why, sizeof why), -1);
    assert_non_null(strstr(why, "option key: "));
    ends_open(&e, client, server);
    end_says(&e, CLIENT, "x", 1, 0);
    ends_carry(&e, 0);
    end_has(&e, SERVER, "x", 1);
    ends_close(&e);
    ssp_conf_free(client);
    ssp_conf_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_files),
        cmocka_unit_test(refuses_texts),
        cmocka_unit_test(reloads_often_and_without_a_leak),
        cmocka_unit_test(stays_as_it_was_when_reload_fails),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
