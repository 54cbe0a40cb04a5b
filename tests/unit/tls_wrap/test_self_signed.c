/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"
#include "tls-wrap/self_signed.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct made {
    char directory[CERT_PATH_MAX], cert[CERT_PATH_MAX + 16], key[CERT_PATH_MAX + 16];
};

static int open_directory(void **state)
{
    static struct made made;
    certs_open(made.directory);
    (void)snprintf(made.cert, sizeof made.cert, "%s/cert.pem", made.directory);
    (void)snprintf(made.key, sizeof made.key, "%s/key.pem", made.directory);
    *state = &made;
    return 0;
}

static int close_directory(void **state)
{
    const struct made *made = *state;
    certs_close(made->directory);
    return 0;
}

/* A client that trusts the certificate shakes hands with the name. */
static void serves(const struct made *made, const char *name)
{
    struct ends e;
    ssp_conf *server = conf_open(SSP_SERVER, "cert=%s;key=%s", made->cert, made->key);
    ssp_conf *client = conf_open(SSP_CLIENT, "host=%s;ca=%s", name, made->cert);
    ends_open(&e, client, server);
    end_says(&e, CLIENT, "hello", 5, 0);
    ends_carry(&e, 0);
    end_has(&e, SERVER, "hello", 5);
    ends_close(&e);
    ssp_conf_free(client);
    ssp_conf_free(server);
}

static void makes_a_name(void **state)
{
    const struct made *made = *state;
    struct stat st;
    assert_int_equal(tls_self_signed("ex.test", made->directory), SSP_EXIT_OK);
    assert_int_equal(stat(made->key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    serves(made, "ex.test");
}

static void makes_an_address(void **state)
{
    const struct made *made = *state;
    assert_int_equal(tls_self_signed("2001:db8::1", made->directory), SSP_EXIT_OK);
    serves(made, "2001:db8::1");
    serves(made, "[2001:db8::1]");
}

/* A common name ends at 64 characters; names do not. */
static void makes_a_long_name(void **state)
{
    const struct made *made = *state;
    enum { LONG = 240, LABEL = 30 };
    char name[LONG + 1] = "";
    for (size_t i = 0; i < LONG; i++)
        name[i] = i % (LABEL + 1) == LABEL ? '.' : 'a';
    assert_int_equal(tls_self_signed(name, made->directory), SSP_EXIT_OK);
    serves(made, name);
}

static void replaces_nothing(void **state)
{
    const struct made *made = *state;
    struct stat st;
    file_write(made->key, "precious");
    assert_int_equal(tls_self_signed("ex.test", made->directory), SSP_EXIT_OS);
    assert_int_equal(stat(made->cert, &st), -1);
    assert_int_equal(remove(made->key), 0);
    file_write(made->cert, "precious");
    assert_int_equal(tls_self_signed("ex.test", made->directory), SSP_EXIT_OS);
    assert_int_equal(stat(made->key, &st), -1);
}

static void refuses_names_that_are_none(void **state)
{
    const struct made *made = *state;
    static const char *const wrong[] = {"", "a;b", "a=b", "a,DNS:b", "a b", "a/b", "*"};
    char label[100];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tls_self_signed(wrong[i], made->directory), SSP_EXIT_USAGE);
    memset(label, 'a', sizeof label);
    label[sizeof label - 1] = '\0';
    assert_int_equal(tls_self_signed(label, made->directory), SSP_EXIT_USAGE);
    assert_int_equal(tls_self_signed("ex.test", "/nonexistent"), SSP_EXIT_OS);
}

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, open_directory, close_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(makes_a_name),
        IN_DIRECTORY(makes_an_address),
        IN_DIRECTORY(makes_a_long_name),
        IN_DIRECTORY(replaces_nothing),
        IN_DIRECTORY(refuses_names_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
