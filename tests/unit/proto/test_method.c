/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/method.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_method_is_found_by_its_name_in_any_case(void **state)
{
    (void)state;
    assert_string_equal(ss_method_find("aes-128-gcm")->name, "aes-128-gcm");
    assert_string_equal(ss_method_find("AES-256-GCM")->name, "aes-256-gcm");
    assert_ptr_equal(ss_method_find("xchacha20-ietf-poly1305"), ss_method_at(4));
    assert_null(ss_method_find("aes-256-gcm-siv"));
    assert_null(ss_method_find(""));
    assert_null(ss_method_at(8));
}

static void the_list_names_every_method(void **state)
{
    (void)state;
    char joined[256] = "";
    size_t len = 0;
    for (size_t i = 0; ss_method_at(i) != NULL; i++)
        len += (size_t)snprintf(joined + len, sizeof joined - len, "%s%s", i > 0 ? ", " : "",
                                ss_method_at(i)->name);
    assert_string_equal(ss_method_list(), joined);
}

static void a_legacy_method_is_known_as_such_and_never_found(void **state)
{
    static const char *const names[] = {"rc4-md5",       "aes-256-cfb", "AES-128-CTR", "chacha20",
                                        "chacha20-ietf", "salsa20",     "bf-cfb",      "table"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(ss_method_legacy(names[i]));
        assert_null(ss_method_find(names[i]));
    }
    for (size_t i = 0; ss_method_at(i) != NULL; i++)
        assert_false(ss_method_legacy(ss_method_at(i)->name));
    assert_false(ss_method_legacy("nonsense"));
}

static void a_row_has_all_that_the_programs_need(void **state)
{
    (void)state;
    for (size_t i = 0; ss_method_at(i) != NULL; i++) {
        const struct ss_method *m = ss_method_at(i);
        static const char *const key[] = {
            [16] = "AAAAAAAAAAAAAAAAAAAAAA", [32] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
        const struct ss_secret secret = {.password =
                                             m->keys_only ? key[m->cipher->key_len] : "barfoo!"};
        char why[SS_WHY_MAX];
        const void *conf = ss_method_conf_new(m, &secret, why);
        assert_non_null(conf);
        assert_int_equal(m->main_key(conf).len, m->cipher->key_len);
        assert_true(m->codec->wrap != NULL && m->packets->seal != NULL);
        ss_method_conf_free(m, conf);
    }
}

static void a_key_has_precedence_over_a_password(void **state)
{
    static const uint8_t zeros[16] = {0};
    const struct ss_method *m = ss_method_find("aes-128-gcm");
    const struct ss_secret secret = {.password = "x", .key = "AAAAAAAAAAAAAAAAAAAAAA"};
    char why[SS_WHY_MAX];
    (void)state;
    const void *conf = ss_method_conf_new(m, &secret, why);
    assert_non_null(conf);
    assert_memory_equal(m->main_key(conf).bytes, zeros, sizeof zeros);
    ss_method_conf_free(m, conf);
}

static void a_key_of_another_form_is_refused_with_the_reason(void **state)
{
    const struct ss_method *m = ss_method_find("aes-128-gcm");
    char why[SS_WHY_MAX] = "";
    (void)state;
    assert_null(ss_method_conf_new(m, &(struct ss_secret){.key = "%"}, why));
    assert_string_equal(why, "not base64");
    assert_null(ss_method_conf_new(m, &(struct ss_secret){.key = "AAAA"}, why));
    assert_string_equal(why, "wrong length: 3 bytes");
    char longer[97] = "", mixed[97] = "";
    memset(longer, '_', sizeof longer - 1);
    assert_null(ss_method_conf_new(m, &(struct ss_secret){.key = longer}, why));
    assert_string_equal(why, "wrong length: 72 bytes");
    memset(mixed, '_', sizeof mixed - 1);
    mixed[95] = '+';
    assert_null(ss_method_conf_new(m, &(struct ss_secret){.key = mixed}, why));
    assert_string_equal(why, "not base64");
    ss_method_conf_free(m, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_is_found_by_its_name_in_any_case),
        cmocka_unit_test(the_list_names_every_method),
        cmocka_unit_test(a_legacy_method_is_known_as_such_and_never_found),
        cmocka_unit_test(a_row_has_all_that_the_programs_need),
        cmocka_unit_test(a_key_has_precedence_over_a_password),
        cmocka_unit_test(a_key_of_another_form_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
