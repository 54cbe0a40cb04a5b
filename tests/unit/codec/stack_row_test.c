/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks as one codec: whom a broken rule names, the row of data, and datagrams. */
#include "breakers.h"
#include "stack_rig.h"

#include <stdio.h>

/* ---- rules ---- */

/* At each of three places, in both directions. */
static void a_broken_rule_names_the_layer_that_broke_it(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 6 * BREAKERS; i++) {
        ssp_codec_fn *fn = breakers[i / 6].fn;
        const ssp_codec wrong = {
            .size = sizeof(ssp_codec), .name = "wrong", .wrap = fn, .unwrap = fn};
        const ssp_codec pass = {
            .size = sizeof(ssp_codec), .name = "pass", .wrap = wrap_a, .unwrap = says_bye};
        const ssp_codec *codec[] = {&pass, &pass, &pass};
        char rule[128];
        struct rig r;
        codec[i % 3] = &wrong;
        rig_open(&r, SSP_SERVER, codec, 3);
        ssp_drive_window(r.drive, 1);
        ssp_dir dir = i % 6 < 3 ? SSP_WRAP : SSP_UNWRAP;
        assert_int_equal(ssp_drive_feed(r.drive, dir, "hello", 5, 0), SSP_FAIL);
        assert_non_null(ssp_drive_broken_rule(r.drive));
        (void)snprintf(rule, sizeof rule, "(layer wrong) %s", breakers[i / 6].rule);
        assert_string_equal(ssp_drive_broken_rule(r.drive), rule);
        rig_close(&r);
    }
}

CODEC_FN(babbles)
{
    UNUSED;
    ssp_put(io, "b", 1);
    return SSP_OK;
}

CODEC_FN(swallows)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_skip(io, n);
    return SSP_MORE;
}

static void a_layer_that_never_stops_is_stopped(void **unused)
{
    const ssp_codec babble = {
        .size = sizeof(ssp_codec), .name = "babble", .wrap = babbles, .unwrap = identity};
    const ssp_codec swallow = {
        .size = sizeof(ssp_codec), .name = "swallow", .wrap = swallows, .unwrap = identity};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &babble, &swallow);
    assert_int_equal(feed(r.drive, "x"), SSP_FAIL);
    assert_string_equal(ssp_drive_broken_rule(r.drive), "(layer babble) never stops emitting");
    rig_close(&r);
}

/* ---- the row ---- */

static const char *no_fallback(const void *conf)
{
    (void)conf;
    return NULL;
}

static const char *inner_fallback(const void *conf)
{
    (void)conf;
    return "inner:80";
}

static const char *outer_fallback(const void *conf)
{
    (void)conf;
    return "outer:80";
}

static void the_outermost_fallback_counts(void **unused)
{
    ssp_codec inner = {.size = sizeof inner, .name = "i", .fallback = inner_fallback};
    ssp_codec outer = {.size = sizeof outer, .name = "o", .fallback = outer_fallback};
    static const void *const no_conf[2];
    const ssp_codec *const layers[] = {&inner, &outer};
    (void)unused;
    ssp_stack *s = ssp_stack_new(layers, no_conf, 2);
    assert_string_equal(ssp_stack_codec(s)->fallback(s), "outer:80");
    ssp_stack_free(s);
    outer.fallback = no_fallback;
    s = ssp_stack_new(layers, no_conf, 2);
    assert_string_equal(ssp_stack_codec(s)->fallback(s), "inner:80");
    ssp_stack_free(s);
}

static void layers_without_a_common_role_are_no_stack(void **unused)
{
    const ssp_codec client = {.size = sizeof(ssp_codec), .name = "c", .flags = SSP_CLIENT_ONLY};
    const ssp_codec server = {
        .size = sizeof(ssp_codec), .name = "s", .flags = SSP_SERVER_ONLY | SSP_LAZY_DIAL};
    static const void *const no_conf[2];
    (void)unused;
    assert_null(ssp_stack_new((const ssp_codec *const[]){&client, &server}, no_conf, 2));
    assert_null(ssp_stack_new(NULL, NULL, 0));
    ssp_stack *s = ssp_stack_new((const ssp_codec *const[]){&server, &codec_a}, no_conf, 2);
    assert_int_equal(ssp_stack_codec(s)->flags, SSP_SERVER_ONLY | SSP_LAZY_DIAL);
    ssp_stack_free(s);
}

static int reload(void *conf, char *why, size_t why_cap)
{
    int *count = conf;
    (*count)++;
    if (*count < 10)
        return 0;
    (void)snprintf(why, why_cap, "no such file");
    return -1;
}

static void every_layer_is_reloaded_and_the_failing_one_named(void **unused)
{
    int count[] = {0, 9, 0};
    ssp_codec codec[] = {{.size = sizeof(ssp_codec), .name = "one", .reload = reload},
                         {.size = sizeof(ssp_codec), .name = "two", .reload = reload},
                         {.size = sizeof(ssp_codec), .name = "three", .reload = reload}};
    const void *const conf[] = {&count[0], &count[1], &count[2]};
    char why[64] = "";
    (void)unused;
    ssp_stack *s =
        ssp_stack_new((const ssp_codec *const[]){&codec[0], &codec[1], &codec[2]}, conf, 3);
    assert_int_equal(ssp_stack_codec(s)->reload(s, why, sizeof why), -1);
    assert_string_equal(why, "two: no such file");
    assert_int_equal(count[0], 1);
    assert_int_equal(count[2], 1);
    ssp_stack_free(s);
}

static int closed;

static void count_close(ssp_conn *conn, void *state)
{
    (void)state;
    assert_non_null(conn);
    closed++;
}

static void every_layer_is_closed_even_if_nothing_came(void **unused)
{
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "c",
                             .state_size = 1,
                             .wrap = wrap_a,
                             .unwrap = unwrap_a,
                             .close = count_close};
    struct rig r;
    (void)unused;
    closed = 0;
    RIG(&r, SSP_CLIENT, &codec, &codec, &codec);
    rig_close(&r);
    assert_int_equal(closed, 3);
}

/* ---- datagrams ---- */

static ptrdiff_t seal_a(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)conn;
    assert_true(cap >= n + 1);
    out[0] = 'a';
    if (n > 0)
        memcpy(out + 1, in, n);
    return (ptrdiff_t)n + 1;
}

static ptrdiff_t open_a(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)conn;
    if (n == 0 || in[0] != 'a')
        return -1;
    assert_true(cap >= n);
    memcpy(out, in + 1, n - 1);
    return (ptrdiff_t)n - 1;
}

static ptrdiff_t seal_too_much(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                               size_t cap)
{
    (void)seal_a(conn, in, n, out, cap);
    return (ptrdiff_t)n + 2;
}

static const ssp_codec datagram_a = {.size = sizeof(ssp_codec),
                                     .name = "a",
                                     .wrap = wrap_a,
                                     .unwrap = unwrap_a,
                                     .seal = seal_a,
                                     .open = open_a,
                                     .datagram_overhead = 1};

static void datagrams_pass_all_layers(void **unused)
{
    struct rig r;
    char out[16];
    (void)unused;
    RIG(&r, SSP_CLIENT, &datagram_a, &datagram_a, &datagram_a);
    assert_int_equal(ssp_stack_codec(r.stack)->datagram_overhead, 3);
    assert_int_equal(ssp_drive_datagram(r.drive, SSP_WRAP, "xy", 2, out, sizeof out), 5);
    assert_memory_equal(out, "aaaxy", 5);
    assert_int_equal(ssp_drive_datagram(r.drive, SSP_UNWRAP, "aaaxy", 5, out, sizeof out), 2);
    assert_memory_equal(out, "xy", 2);
    assert_int_equal(ssp_drive_datagram(r.drive, SSP_UNWRAP, "aaxy", 4, out, sizeof out), -1);
    assert_int_equal(ssp_drive_datagram(r.drive, SSP_WRAP, "xy", 2, out, 4), -1); /* no room */
    assert_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
    RIG(&r, SSP_CLIENT, &datagram_a, &codec_b);
    assert_null(ssp_stack_codec(r.stack)->seal);
    assert_null(ssp_stack_codec(r.stack)->open);
    assert_int_equal(ssp_drive_datagram(r.drive, SSP_WRAP, "xy", 2, out, sizeof out), -1);
    assert_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
}

static void datagram_rules_are_enforced(void **unused)
{
    ssp_codec codec = datagram_a;
    char out[16];
    (void)unused;
    codec.seal = seal_too_much;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(ssp_drive_datagram(d, SSP_WRAP, "xy", 2, out, sizeof out), -1);
    assert_string_equal(ssp_drive_broken_rule(d), "writes a datagram beyond its room");
    ssp_drive_free(d);
    codec.seal = seal_a;
    codec.open = NULL;
    d = drive_of(&codec);
    assert_int_equal(ssp_drive_datagram(d, SSP_WRAP, "xy", 2, out, sizeof out), -1);
    assert_string_equal(ssp_drive_broken_rule(d), "has seal without open, or open without seal");
    ssp_drive_free(d);
    codec = datagram_a;
    codec.seal = seal_too_much;
    struct rig r;
    RIG(&r, SSP_CLIENT, &datagram_a, &codec, &datagram_a);
    assert_int_equal(ssp_drive_datagram(r.drive, SSP_WRAP, "xy", 2, out, sizeof out), -1);
    assert_non_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
}

/* ---- older structs ---- */

static void a_codec_of_an_older_struct_has_zero_for_what_is_new(void **unused)
{
    ssp_codec codec = datagram_a;
    char out[8];
    (void)unused;
    codec.size = offsetof(ssp_codec, seal);
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(ssp_drive_datagram(d, SSP_WRAP, "xy", 2, out, sizeof out), -1);
    assert_null(ssp_drive_broken_rule(d));
    assert_int_equal(feed(d, "x"), SSP_MORE);
    assert_output(d, SSP_WRAP, "ax");
    ssp_drive_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_rule_names_the_layer_that_broke_it),
        cmocka_unit_test(a_layer_that_never_stops_is_stopped),
        cmocka_unit_test(the_outermost_fallback_counts),
        cmocka_unit_test(layers_without_a_common_role_are_no_stack),
        cmocka_unit_test(every_layer_is_reloaded_and_the_failing_one_named),
        cmocka_unit_test(every_layer_is_closed_even_if_nothing_came),
        cmocka_unit_test(datagrams_pass_all_layers),
        cmocka_unit_test(datagram_rules_are_enforced),
        cmocka_unit_test(a_codec_of_an_older_struct_has_zero_for_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
