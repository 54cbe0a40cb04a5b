/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/engine.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CROWD = 200 };

static const uint8_t key[SS_KEY_MAX] = {7, 1, 2, 3};

static int seal_wrongly(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n,
                        uint8_t *out)
{
    int rc = ss_engine_libcrypto.seal(a, expanded, in, n, out);
    out[n] ^= n == 558; /* in one tag of one size */
    return rc;
}

static int open_wrongly(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n,
                        uint8_t *out)
{
    int rc = ss_engine_libcrypto.open(a, expanded, in, n, out);
    if (n == 17)
        out[16] ^= 1;
    return rc;
}

static int open_forged(const struct ss_aead *a, void *expanded, const uint8_t *in, size_t n,
                       uint8_t *out)
{
    (void)ss_engine_libcrypto.open(a, expanded, in, n, out);
    return 0;
}

static int expand_one_key(const struct ss_engine *engine, const struct ss_aead *a, void **expanded)
{
    struct ss_aead same = *a;
    memset(same.key, 1, sizeof same.key);
    return ss_engine_libcrypto.expand(engine, &same, expanded);
}

static void an_engine_that_computes_something_else_is_found_out(void **state)
{
    struct ss_engine wrong[4] = {ss_engine_libcrypto, ss_engine_libcrypto, ss_engine_libcrypto,
                                 ss_engine_libcrypto};
    (void)state;
    wrong[0].seal = seal_wrongly;
    wrong[1].open = open_wrongly;
    wrong[2].open = open_forged;
    wrong[3].expand = expand_one_key;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(ss_engine_compare(&wrong[i]), SS_DIFFERS);
    assert_int_equal(ss_engine_compare(&ss_engine_libcrypto), SS_AGREES);
}

static int expand_nothing(const struct ss_engine *engine, const struct ss_aead *a, void **expanded)
{
    (void)engine;
    (void)a;
    (void)expanded;
    return -1;
}

static void an_engine_without_memory_is_neither(void **state)
{
    struct ss_engine poor = ss_engine_libcrypto;
    (void)state;
    poor.expand = expand_nothing;
    assert_int_equal(ss_engine_compare(&poor), SS_UNKNOWN);
}

static void intel_ipsec_mb_agrees_where_it_is(void **state)
{
    const char *why;
    const struct ss_engine *gcm = ss_engine_ipsec_mb(&why);
    (void)state;
    if (gcm == NULL) {
        print_message("not here: %s\n", why);
        skip();
    }
    assert_int_equal(ss_engine_compare(gcm), SS_AGREES);
}

/* A key that is expanded is dropped, and with it wiped. */
static unsigned held;

static int expand_and_count(const struct ss_engine *engine, const struct ss_aead *a,
                            void **expanded)
{
    held += *expanded == NULL;
    return ss_engine_libcrypto.expand(engine, a, expanded);
}

static void drop_and_count(void *expanded)
{
    held--;
    ss_engine_libcrypto.drop(expanded);
}

static void expanded_keys_are_dropped_with_their_directions(void **state)
{
    struct ss_engine counted = ss_engine_libcrypto;
    static struct ss_aead a[CROWD];
    (void)state;
    counted.expand = expand_and_count;
    counted.drop = drop_and_count;
    struct ss_contexts *contexts = ss_contexts_with(&counted);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(ss_aead_start(&a[i], &ss_ciphers[i % 3], contexts, key), 0);
    assert_in_range(held, 1, CROWD - 1);
    for (size_t i = 0; i < CROWD; i++)
        ss_aead_wipe(&a[i]);
    assert_int_equal(held, 0);

    assert_int_equal(ss_aead_start(&a[0], &ss_ciphers[0], contexts, key), 0);
    assert_int_equal(held, 1);
    ss_contexts_free(contexts);
    assert_int_equal(held, 0);
}

/* Last, because a process chooses once. */
static void the_choice_is_told_in_one_line(void **state)
{
    char line[SS_ENGINE_LINE_MAX];
    const char *why, *openssl = OpenSSL_version(OPENSSL_VERSION_STRING);
    bool old = OpenSSL_version_num() < 0x30200000, there = ss_engine_ipsec_mb(&why) != NULL;
    (void)state;
    assert_null(ss_engine_chosen());
    assert_int_equal(ss_engine_choose(line), 0);
    assert_int_equal(ss_engine_chosen() != NULL, old && there);
    assert_non_null(strstr(line, openssl));
    assert_non_null(strstr(line, old && there ? "ciphers: intel-ipsec-mb" : "ciphers: OpenSSL"));
    assert_null(strchr(line, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_that_computes_something_else_is_found_out),
        cmocka_unit_test(an_engine_without_memory_is_neither),
        cmocka_unit_test(intel_ipsec_mb_agrees_where_it_is),
        cmocka_unit_test(expanded_keys_are_dropped_with_their_directions),
        cmocka_unit_test(the_choice_is_told_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
