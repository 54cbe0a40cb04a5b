/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks of lawful codecs are lawful codecs. */
#include "sdk_toys.h"

#include <ssplugin/testing.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const ssp_codec *const toys[] = {&toy_xor, &toy_closing, &toy_upgrade, &toy_knock,
                                        &toy_swallow};

enum { TOYS = sizeof toys / sizeof toys[0] };

static void assert_lawful(const ssp_codec *const *codec, size_t n)
{
    static const void *const no_conf[3];
    ssp_stack *stack = ssp_stack_new(codec, no_conf, n);
    assert_non_null(stack);
    const ssp_law_subject subject = {
        .codec = ssp_stack_codec(stack), .client_conf = stack, .server_conf = stack};
    const char *law = ssp_laws_check(&subject);
    if (law != NULL)
        fail_msg("%s: %s", ssp_stack_codec(stack)->name, law);
    ssp_stack_free(stack);
}

static void every_pair_keeps_every_law(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TOYS * TOYS; i++)
        assert_lawful((const ssp_codec *const[]){toys[i / TOYS], toys[i % TOYS]}, 2);
}

/* Each toy at each of the three places, beside each other one. */
static void triples_keep_every_law(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TOYS; i++) {
        for (size_t step = 0; step < TOYS; step++)
            assert_lawful((const ssp_codec *const[]){toys[i], toys[(i + step) % TOYS],
                                                     toys[(i + 2 * step + 1) % TOYS]},
                          3);
    }
}

static void a_single_layer_keeps_every_law(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TOYS; i++)
        assert_lawful(&toys[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_layer_keeps_every_law),
        cmocka_unit_test(every_pair_keeps_every_law),
        cmocka_unit_test(triples_keep_every_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
