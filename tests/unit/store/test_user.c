/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/method.h"
#include "store/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KEY "AAECAwQFBgcICQoLDA0ODw=="

static const struct ss_cipher *cipher(void)
{
    return ss_method_find("2022-blake3-aes-128-gcm")->cipher;
}

static const char *add(struct ss_users *users, const char *name, const char *text)
{
    return ss_store_user_add(users, cipher(), name, text, strlen(text));
}

static void a_user_has_a_key_and_limits(void **state)
{
    struct ss_users *users = ss_users_new(cipher()->key_len);
    (void)state;
    assert_null(add(users, "alice",
                    "{\"password\": \"" KEY "\", \"limit_bytes\": \"1G\", \"limit_rate\": 1000, "
                    "\"note\": 1}"));
    struct ss_user *alice = ss_users_take_named(users, "alice");
    assert_non_null(alice);
    assert_int_equal(alice->key[15], 15);
    assert_int_equal(alice->limits->bytes, 1 << 30);
    assert_int_equal(alice->limits->bucket.rate, 1000);
    ss_user_release(alice);
    ss_users_free(users);
}

static void a_value_that_is_none_is_told(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "null",
        "[]",
        "{}",
        "\"" KEY "\"",
        "{\"password\": 1}",
        "{\"password\": \"short\"}",
        "{\"password\": \"" KEY "\\u0000\"}",
        "{\"password\": \"" KEY "\"",
        "{\"password\": \"" KEY "\"} x",
        "{\"password\": \"" KEY "\", \"limit_bytes\": -1}",
        "{\"password\": \"" KEY "\", \"limit_bytes\": 1.5}",
        "{\"password\": \"" KEY "\", \"limit_rate\": \"x\"}",
        "{\"password\": \"" KEY "\", \"limit_rate\": {}}",
        "[[[[[[[[1]]]]]]]]",
    };
    struct ss_users *users = ss_users_new(cipher()->key_len);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why = add(users, "alice", bad[i]);
        assert_non_null(why);
        assert_null(strstr(why, KEY));
    }
    assert_non_null(add(users, "", "{\"password\": \"" KEY "\"}"));
    assert_int_equal(ss_users_count(users), 0);
    assert_null(add(users, "alice", "{\"password\": \"" KEY "\"}"));
    assert_string_equal(add(users, "bob", "{\"password\": \"" KEY "\"}"),
                        "another user has the same key");
    ss_users_free(users);
}

/* As a value that cannot be read leaves the user. */
static void a_user_is_kept_with_its_limits(void **state)
{
    struct ss_users *now = ss_users_new(cipher()->key_len), *next = ss_users_new(16);
    (void)state;
    assert_null(add(now, "alice", "{\"password\": \"" KEY "\", \"limit_bytes\": 5}"));
    ss_store_user_keep(next, now, "alice");
    ss_store_user_keep(next, now, "bob");
    struct ss_users_change change;
    assert_int_equal(ss_users_compare(&change, now, next), 0);
    assert_true(change.additions == 0 && change.removals == 0 && change.relimitations == 0);
    ss_users_change_release(&change);
    ss_users_free(now);
    ss_users_free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_a_key_and_limits),
        cmocka_unit_test(a_value_that_is_none_is_told),
        cmocka_unit_test(a_user_is_kept_with_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
