/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation of OpenSSL or of the codec fails: at a start it is told, and later it costs one
 * connection.  Linked with --wrap, as OpenSSL asks the codec's program for its memory. */
#include "ends.h"
#include "libcrypto/start.h"
#include "scarce.h"

#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 2, STEP = 19 };

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables) */
static struct {
    char directory[CERT_PATH_MAX];
    struct cert cert;
} files;
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

static int make_files(void **state)
{
    const struct cert_request request = {.name = "ex.test", .ends = 3600};
    char link[2 * CERT_PATH_MAX];
    (void)state;
    certs_open(files.directory);
    cert_make(&files.cert, files.directory, "own", &request);
    FILE *file = fopen(files.cert.cert, "r");
    X509 *cert = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    assert_non_null(cert);
    (void)fclose(file);
    (void)snprintf(link, sizeof link, "%s/%08lx.0", files.directory, X509_subject_name_hash(cert));
    X509_free(cert);
    assert_int_equal(symlink(files.cert.cert, link), 0);
    assert_int_equal(setenv("SSL_CERT_DIR", files.directory, 1), 0);
    assert_int_equal(setenv("SSL_CERT_FILE", "/nonexistent", 1), 0);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    certs_close(files.directory);
    return 0;
}

/* Returns whether there were so many allocations that one has failed. */
static bool one_fails(const char *of_client, const char *of_server, unsigned long n)
{
    char why[256] = "";
    scarce_from(n, false);
    ssp_conf *client = ssp_conf_new(&tls_wrap, SSP_CLIENT, of_client, why, sizeof why);
    ssp_conf *server =
        client != NULL ? ssp_conf_new(&tls_wrap, SSP_SERVER, of_server, why, sizeof why) : NULL;
    unsigned lost = 0;
    for (int i = 0; server != NULL && i < CONNECTIONS; i++)
        lost += !ends_exchange(client, server);
    bool met = scarce_count() >= n && n > 0;
    scarce_from(0, false);
    if (server == NULL && (!met || why[0] == '\0'))
        fail_msg("allocation %lu: no start: \"%s\"", n, why);
    if (lost > (met ? 1 : 0))
        fail_msg("allocation %lu: %u of %d connections failed", n, lost, CONNECTIONS);
    ssp_conf_free(client);
    ssp_conf_free(server);
    return met;
}

static void each_fails(const char *of_client)
{
    char of_server[3 * CERT_PATH_MAX];
    (void)snprintf(of_server, sizeof of_server, "cert=%s;key=%s", files.cert.cert, files.cert.key);
    (void)one_fails(of_client, of_server, 0); /* what a process makes once */
    unsigned long n = 1;
    while (one_fails(of_client, of_server, n))
        n += STEP;
    assert_true(n > 100);
}

static void costs_one_connection_of_those_that_trust_a_file(void **state)
{
    char options[2 * CERT_PATH_MAX];
    (void)state;
    (void)snprintf(options, sizeof options, "host=ex.test;ca=%s", files.cert.cert);
    each_fails(options);
}

static void costs_one_connection_of_those_that_trust_the_system(void **state)
{
    (void)state;
    each_fails("host=ex.test");
}

static void costs_one_connection_of_those_that_trust_a_key(void **state)
{
    char options[2 * CERT_PATH_MAX + TLS_PIN_MAX];
    (void)state;
    (void)snprintf(options, sizeof options, "host=ex.test;pin=%s", files.cert.pin);
    each_fails(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_one_connection_of_those_that_trust_a_file),
        cmocka_unit_test(costs_one_connection_of_those_that_trust_the_system),
        cmocka_unit_test(costs_one_connection_of_those_that_trust_a_key),
    };
    ssp__libcrypto_start(SSP_EXIT_OS);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
