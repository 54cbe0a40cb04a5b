/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of AEAD-2022, passwords that are written elsewhere, and users. */
#include "capture.h"

#include "conf/options.h"
#include "proto/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define METHOD "2022-blake3-aes-128-gcm"
#define KEY "AAECAwQFBgcICQoLDA0ODw=="
#define ALICE "EBESExQVFhcYGRobHB0eHw=="
#define BOB "ICEiIyQlJicoKSorLC0uLw=="
#define HEAD                                                                                       \
    "{\"server_port\": 1, \"method\": \"" METHOD "\", \"password\": \"" KEY "\", \"users\": ["
#define USER(name, key) "{\"name\": \"" name "\", \"password\": \"" key "\"}"

static void serve(struct capture *c, const char *text)
{
    capture_write(c, text, strlen(text));
    SERVER(c, "-c", "@");
}

static void a_key_of_2022_has_its_exact_length(void **state)
{
    static const char reason[] = "ss-server: password: wrong length: 16 bytes "
                                 "(2022-blake3-aes-256-gcm expects 32 bytes in base64; a new "
                                 "random key: ";
    struct capture *c = *state;
    SERVER(c, "-p", "1", "-m", "2022-blake3-aes-256-gcm", "-k", KEY);
    assert_int_equal(c->status, SS_EXIT_USAGE);
    assert_memory_equal(c->err, reason, sizeof reason - 1);
    SERVER(c, "-p", "1", "-m", METHOD, "-k", "a word");
    assert_int_equal(c->status, SS_EXIT_USAGE);
    assert_non_null(strstr(c->err, "password: not base64 ("));
    SERVER(c, "-p", "1", "-m", METHOD, "-k", KEY ":" ALICE);
    assert_int_equal(c->status, SS_EXIT_USAGE);
    assert_non_null(strstr(c->err, "password: several keys (expected the server's alone)"));
    LOCAL(c, "-s", "h", "-p", "1", "-l", "1", "-m", METHOD, "-k", KEY ":" ALICE ":AAAA");
    assert_non_null(strstr(c->err, "password: key 3 of the chain: wrong length: 3 bytes"));
    LOCAL(c, "-s", "h", "-p", "1", "-l", "1", "-m", METHOD, "-k", KEY ":" ALICE);
    capture_expect(c, -1, "");
}

static void genkey_makes_a_key_that_fits(void **state)
{
    static const char *const methods[] = {METHOD, "2022-blake3-aes-256-gcm", "aes-192-gcm"};
    struct capture *c = *state;
    for (size_t i = 0; i < 3; i++) {
        char first[CAPTURE_OUTPUT_MAX];
        SERVER(c, "--genkey", methods[i]);
        capture_expect(c, SS_EXIT_OK, "");
        c->out[strcspn(c->out, "\n")] = '\0';
        (void)snprintf(first, sizeof first, "%s", c->out);
        SERVER(c, "--genkey", methods[i]);
        assert_string_not_equal(c->out, first);
        SERVER(c, "-p", "1", "-m", methods[i], "--key", first);
        capture_expect(c, -1, "");
    }
    SERVER(c, "--genkey", "rc4");
    assert_int_equal(c->status, SS_EXIT_USAGE);
}

static void a_password_may_be_in_a_file(void **state)
{
    struct capture *c = *state;
    capture_write(c, "secret words\r\nmore\n", 18);
    SERVER(c, "-p", "1", "--password-file", "@");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.password, "secret words");
    assert_int_equal(chmod(c->path, 0644), 0);
    SERVER(c, "-p", "1", "--password-file", "@");
    capture_expect(c, -1, "ss-server: @: everyone can read it (chmod 600)\n");
    SERVER(c, "-p", "1", "--password-file", "/nonexistent/file");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: /nonexistent/file: cannot read the password: No such file or "
                   "directory\n");
    SERVER(c, "-p", "1", "-k", "x", "--password-file", "@");
    capture_expect(c, -1, "ss-server: password_file: ignored, because there is a password, too\n");
}

static void a_credential_of_the_service_is_found(void **state)
{
    struct capture *c = *state;
    char *directory = strdup(c->path), *name = strrchr(directory, '/');
    *name++ = '\0';
    capture_write(c, "from systemd\n", 13);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
    SERVER(c, "-p", "1", "--password-file", name);
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.password, "from systemd");
    SERVER(c, "-p", "1"); /* there is none of the name "password" */
    assert_int_equal(c->status, SS_EXIT_USAGE);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    free(directory);
}

static void a_password_may_be_in_the_environment(void **state)
{
    struct capture *c = *state;
    assert_int_equal(setenv("TEST_PASSWORD", ALICE, 1), 0);
    SERVER(c, "-p", "1", "-m", METHOD, "-k", "${TEST_PASSWORD}");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.password, ALICE);
    serve(c, HEAD USER("a", "${TEST_PASSWORD}") "]}");
    capture_expect(c, -1, "");
    assert_int_equal(ss_users_count(c->conf.users), 1);
    SERVER(c, "-p", "1", "-k", "${NO_SUCH_VARIABLE}");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: password: the environment has no variable NO_SUCH_VARIABLE\n");
    SERVER(c, "-p", "1", "-k", "a${TEST_PASSWORD}"); /* only as a whole */
    assert_string_equal(c->conf.password, "a${TEST_PASSWORD}");
}

static void users_are_read(void **state)
{
    struct capture *c = *state;
    serve(c, HEAD USER("alice", ALICE) ", " USER("bob", BOB) "]}");
    capture_expect(c, -1, "");
    assert_int_equal(ss_users_count(c->conf.users), 2);
    struct ss_user *bob = ss_users_take_named(c->conf.users, "bob");
    assert_int_equal(bob->key[0], 0x20);
    ss_user_release(bob);
    serve(c, HEAD "]}");
    capture_expect(c, -1, "");
    assert_non_null(c->conf.users); /* clients must name themselves, and none can */
}

static void a_wrong_user_is_one_line(void **state)
{
    static const struct {
        const char *users, *complaint;
    } cases[] = {
        {USER("a", ALICE) "," USER("a", BOB), "users: two users are named \"a\""},
        {USER("a", ALICE) "," USER("b", ALICE), "users: \"b\" has the same key as another user"},
        {USER("a", "AAAA"), "users: key of \"a\": wrong length: 3 bytes (expected 16)"},
        {USER("a", "!"), "users: key of \"a\": not base64 (expected 16 bytes)"},
        {"{\"name\": \"a\"}", "@: users: user 1 lacks a name or a password (expected {\"name\": "
                              "text, \"password\": text})"},
        {USER("", ALICE), "@: users: user 1 lacks a name or a password (expected {\"name\": text, "
                          "\"password\": text})"},
        {"1", "@: users: user 1 lacks a name or a password (expected {\"name\": text, "
              "\"password\": text})"},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512], line[256];
        (void)snprintf(text, sizeof text, HEAD "%s]}", cases[i].users);
        (void)snprintf(line, sizeof line, "ss-server: %s\n", cases[i].complaint);
        serve(c, text);
        bool file = cases[i].complaint[0] == '@';
        capture_expect(c, file ? SS_EXIT_FATAL : SS_EXIT_USAGE, line);
    }
    serve(c, HEAD USER("a", KEY) "]}");
    assert_int_equal(c->status, SS_EXIT_USAGE);
    assert_non_null(strstr(c->err, "password: a user has the same key ("));
    serve(c, "{\"server_port\": 1, \"password\": \"x\", \"users\": [" USER("a", ALICE) "]}");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: users: chacha20-ietf-poly1305 knows no users (expected a method of "
                   "AEAD-2022 with AES)\n");
}

static void secrets_are_gone_before_the_first_argument_is_read(void **state)
{
    char line[] = "ss-server\0-p\0"
                  "1\0x\0--password\0first\0-ksecond\0--key=third\0--plugin\0p -k y\0"
                  "ss://fourth@h:1";
    char *argv[12] = {NULL};
    int argc = 0;
    bool secret = false;
    (void)state;
    for (char *at = line; at < line + sizeof line; at += strlen(at) + 1)
        argv[argc++] = at;
    char **own = ss_args_own(SS_SERVER, argc, argv, &secret);
    assert_true(secret);
    assert_string_equal(argv[3], "x");
    assert_string_equal(argv[5], "*****");
    assert_string_equal(argv[6], "-k******");
    assert_string_equal(argv[7], "--key=*****");
    assert_string_equal(argv[9], "p -k y");
    assert_string_equal(argv[10], "***************");
    assert_string_equal(own[5], "first");
    assert_string_equal(own[6], "-ksecond");
    assert_string_equal(own[10], "ss://fourth@h:1");
    ss_args_free(argc, own);
    ss_args_free(5, ss_args_own(SS_SERVER, 5, argv, &secret));
    assert_false(secret);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, capture_setup, capture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_key_of_2022_has_its_exact_length),
        TEST(genkey_makes_a_key_that_fits),
        TEST(a_password_may_be_in_a_file),
        TEST(a_credential_of_the_service_is_found),
        TEST(a_password_may_be_in_the_environment),
        TEST(users_are_read),
        TEST(a_wrong_user_is_one_line),
        TEST(secrets_are_gone_before_the_first_argument_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
