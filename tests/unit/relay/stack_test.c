/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks: who sees what, in which order, and what becomes of ends, failures and strangers. */
#include "driven.h"

#include <stdio.h>

enum { LAYERS_MAX = 4 };

struct rig {
    ssp_stack *stack;
    ssp_drive *drive;
};

static void rig_open(struct rig *r, ssp_role role, const ssp_codec *const *codec, size_t n)
{
    static const void *const no_conf[LAYERS_MAX];
    r->stack = ssp_stack_new(codec, no_conf, n);
    assert_non_null(r->stack);
    r->drive = ssp_drive_new(ssp_stack_codec(r->stack), role, r->stack, NULL);
    assert_non_null(r->drive);
}

#define RIG(r, role, ...)                                                                          \
    rig_open(r, role, (const ssp_codec *const[]){__VA_ARGS__},                                     \
             sizeof((const ssp_codec *const[]){__VA_ARGS__}) / sizeof(ssp_codec *))

static void rig_close(struct rig *r)
{
    ssp_drive_free(r->drive);
    ssp_stack_free(r->stack);
}

static ssp_verdict hear(struct rig *r, const char *text)
{
    return ssp_drive_feed(r->drive, SSP_UNWRAP, text, strlen(text), 0);
}

static void assert_said(struct rig *r, ssp_dir dir, const char *text)
{
    size_t n;
    assert_output(r->drive, dir, text);
    (void)ssp_drive_output(r->drive, dir, &n);
    ssp_drive_take(r->drive, dir, n);
}

/* ---- toys: each marks what goes through it, a letter for each run of bytes ---- */

static ssp_verdict mark(ssp_io *io, const char *letter)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_put(io, letter, 1);
    ssp_pass(io, n);
    return SSP_OK;
}

static ssp_verdict unmark(ssp_io *io, char letter)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (*p != (uint8_t)letter)
        return SSP_FOREIGN;
    ssp_skip(io, 1);
    return SSP_CLEAR;
}

CODEC_FN(wrap_a)
{
    UNUSED;
    return mark(io, "a");
}

CODEC_FN(unwrap_a)
{
    UNUSED;
    return unmark(io, 'a');
}

CODEC_FN(wrap_b)
{
    UNUSED;
    return mark(io, "b");
}

CODEC_FN(unwrap_b)
{
    UNUSED;
    return unmark(io, 'b');
}

CODEC_FN(identity)
{
    UNUSED;
    return SSP_CLEAR;
}

static const ssp_codec codec_a = {.name = "a", .wrap = wrap_a, .unwrap = unwrap_a};
static const ssp_codec codec_b = {.name = "b", .wrap = wrap_b, .unwrap = unwrap_b};
static const ssp_codec clear_codec = {.name = "clear", .wrap = identity, .unwrap = identity};

static void the_first_layer_is_nearest_to_the_plain_side(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &codec_b);
    assert_string_equal(ssp_stack_codec(r.stack)->name, "a+b");
    assert_int_equal(feed(r.drive, "x"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bax");
    assert_int_equal(hear(&r, "bay"), SSP_CLEAR);
    assert_said(&r, SSP_UNWRAP, "y");
    rig_close(&r);
}

static void a_stack_of_clear_layers_is_clear(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &clear_codec, &clear_codec, &clear_codec);
    assert_int_equal(feed(r.drive, "x"), SSP_CLEAR);
    assert_said(&r, SSP_WRAP, "x");
    assert_int_equal(finish(r.drive), SSP_END);
    rig_close(&r);
}

/* ---- strangers ---- */

static void a_stranger_to_the_wire_layer_is_a_stranger_to_all(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec_a, &codec_b);
    assert_int_equal(hear(&r, "GET"), SSP_FOREIGN);
    assert_int_equal(ssp_drive_diverted(r.drive), 0);
    assert_said(&r, SSP_UNWRAP, "");
    rig_close(&r);
}

/* What the inner layer did not understand comes out as it was, and answers pass the outer layer. */
static void a_stranger_to_an_inner_layer_is_diverted_through_the_outer_ones(void **unused)
{
    static const char stream[] = "bGET / HTTP";
    (void)unused;
    for (size_t cut = 0; cut < sizeof stream - 1; cut++) {
        struct rig r;
        RIG(&r, SSP_SERVER, &codec_a, &codec_b);
        (void)ssp_drive_feed(r.drive, SSP_UNWRAP, stream, cut, 0);
        (void)ssp_drive_feed(r.drive, SSP_UNWRAP, stream + cut, sizeof stream - 1 - cut, 0);
        assert_int_equal(ssp_drive_diverted(r.drive), 1);
        assert_said(&r, SSP_UNWRAP, "GET / HTTP");
        assert_int_equal(feed(r.drive, "page"), SSP_MORE);
        assert_said(&r, SSP_WRAP, "bpage"); /* not marked by a */
        assert_null(ssp_drive_broken_rule(r.drive));
        rig_close(&r);
    }
}

static void a_client_has_no_strangers(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &codec_b);
    assert_int_equal(hear(&r, "bGET"), SSP_FAIL);
    assert_int_equal(ssp_drive_diverted(r.drive), 0);
    rig_close(&r);
}

CODEC_FN(diverts)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_conn_divert(conn);
    ssp_pass(io, n);
    return SSP_OK;
}

static void a_layer_may_divert_the_whole(void **unused)
{
    const ssp_codec codec = {.name = "diverts", .wrap = wrap_a, .unwrap = diverts};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec, &codec_b);
    assert_int_equal(hear(&r, "b"), SSP_MORE);
    assert_int_equal(ssp_drive_diverted(r.drive), 0);
    assert_int_equal(hear(&r, "x"), SSP_MORE);
    assert_int_equal(ssp_drive_diverted(r.drive), 1);
    assert_int_equal(hear(&r, "y"), SSP_MORE); /* once more changes nothing */
    assert_said(&r, SSP_UNWRAP, "xy");
    assert_int_equal(feed(r.drive, "z"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "baz"); /* all layers stay */
    rig_close(&r);
}

CODEC_FN(diverts_late)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (*p == '!')
        ssp_conn_divert(conn);
    ssp_pass(io, 1);
    return SSP_OK;
}

static void a_connection_is_diverted_before_its_first_plain_byte_or_never(void **unused)
{
    const ssp_codec codec = {.name = "late", .wrap = identity, .unwrap = diverts_late};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec);
    assert_int_equal(hear(&r, "x"), SSP_MORE);
    assert_int_equal(hear(&r, "!"), SSP_FAIL);
    assert_non_null(strstr(ssp_drive_broken_rule(r.drive), "diverts a connection too late"));
    rig_close(&r);
    RIG(&r, SSP_SERVER, &codec, &clear_codec, &clear_codec);
    assert_int_equal(hear(&r, "x!"), SSP_FAIL);
    assert_non_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
    RIG(&r, SSP_CLIENT, &codec);
    assert_int_equal(hear(&r, "!"), SSP_FAIL);
    assert_non_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
}

/* ---- replies ---- */

CODEC_FN(echoes)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    ssp_reply(io, p, n);
    ssp_skip(io, n);
    return SSP_MORE;
}

static void a_reply_passes_the_layers_between_its_own_and_the_wire(void **unused)
{
    const ssp_codec echo = {.name = "echo", .wrap = wrap_a, .unwrap = echoes};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &codec_a, &echo, &codec_b, &clear_codec);
    assert_int_equal(hear(&r, "bhello"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bhello");
    assert_said(&r, SSP_UNWRAP, "");
    rig_close(&r);
}

static void a_reply_to_the_plain_side_passes_the_inner_layers(void **unused)
{
    const ssp_codec echo = {.name = "echo", .wrap = echoes, .unwrap = unwrap_b};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &echo, &codec_b);
    assert_int_equal(feed(r.drive, "x"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "");
    assert_said(&r, SSP_UNWRAP, "x"); /* "ax" was echoed, and a took its letter back */
    rig_close(&r);
}

/* Both of two neighbours answer whatever they hear. */
static void layers_that_reply_to_each_other_for_ever_break_a_rule(void **unused)
{
    const ssp_codec inner = {.name = "inner", .wrap = wrap_a, .unwrap = echoes};
    const ssp_codec outer = {.name = "outer", .wrap = echoes, .unwrap = identity};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_SERVER, &inner, &outer);
    assert_int_equal(hear(&r, "x"), SSP_FAIL);
    assert_non_null(strstr(ssp_drive_broken_rule(r.drive), "never stops replying"));
    rig_close(&r);
}

/* ---- what one direction learns ---- */

struct gate {
    bool open;
};

static ssp_verdict gated_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct gate *g = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    if (!g->open || n == 0)
        return SSP_MORE;
    ssp_pass(io, n);
    return SSP_OK;
}

static ssp_verdict gated_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct gate *g = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    g->open = true;
    ssp_skip(io, n);
    return SSP_OK;
}

static const ssp_codec gate_codec = {
    .name = "gate", .state_size = sizeof(struct gate), .wrap = gated_wrap, .unwrap = gated_unwrap};

static void what_waits_between_layers_moves_when_the_other_direction_learns(void **unused)
{
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &gate_codec, &codec_b);
    assert_int_equal(feed(r.drive, "hello"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "");
    assert_int_equal(hear(&r, "bk"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bahello");
    rig_close(&r);
}

/* What waits before a closed gate is bounded: the rest stays unread with the engine. */
static void a_blocked_layer_stops_the_layers_before_it(void **unused)
{
    static const char block[65536];
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &gate_codec);
    ssp_verdict verdict = SSP_MORE;
    size_t fed = 0;
    while (verdict == SSP_MORE && fed < (64U << 20)) {
        verdict = ssp_drive_feed(r.drive, SSP_WRAP, block, sizeof block, 0);
        fed += sizeof block;
    }
    assert_int_equal(verdict, SSP_FAIL); /* a driver has nobody to wait for */
    assert_in_range(fed, SSP_WINDOW, 4 * SSP_WINDOW);
    rig_close(&r);
}

/* ---- ends ---- */

CODEC_FN(says_bye)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_pass(io, n);
    if (!ssp_eof(io))
        return n > 0 ? SSP_OK : SSP_MORE;
    ssp_put(io, "bye", 3);
    return SSP_END;
}

static void what_a_layer_says_at_its_end_passes_the_outer_ones(void **unused)
{
    const ssp_codec bye = {.name = "bye", .wrap = says_bye, .unwrap = identity};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &codec_a, &bye, &codec_b, &bye);
    assert_int_equal(feed(r.drive, "x"), SSP_MORE);
    assert_said(&r, SSP_WRAP, "bax");
    assert_int_equal(finish(r.drive), SSP_END);
    assert_said(&r, SSP_WRAP, "bbyebye");
    rig_close(&r);
}

CODEC_FN(ends_at_dot)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    const uint8_t *dot = n > 0 ? memchr(p, '.', n) : NULL;
    if (n == 0)
        return SSP_MORE;
    ssp_pass(io, dot != NULL ? (size_t)(dot - p) : n);
    return dot != NULL ? SSP_END : SSP_OK;
}

static void a_layer_that_ends_by_itself_ends_the_direction(void **unused)
{
    const ssp_codec dot = {.name = "dot", .wrap = identity, .unwrap = ends_at_dot};
    const ssp_codec bye = {.name = "bye", .wrap = identity, .unwrap = says_bye};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &bye, &codec_a, &dot, &clear_codec);
    assert_int_equal(hear(&r, "ax.tail"), SSP_END);
    assert_said(&r, SSP_UNWRAP, "xbye");
    assert_int_equal(hear(&r, "more"), SSP_END);
    rig_close(&r);
}

CODEC_FN(fails_at_bang)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    const uint8_t *bang = n > 0 ? memchr(p, '!', n) : NULL;
    if (n == 0)
        return SSP_MORE;
    ssp_pass(io, bang != NULL ? (size_t)(bang - p) : n);
    return bang != NULL ? SSP_FAIL : SSP_OK;
}

/* No layer behind the failure is told of an end: none says goodbye. */
static void a_failure_delivers_what_was_good_and_is_no_end(void **unused)
{
    const ssp_codec bang = {.name = "bang", .wrap = identity, .unwrap = fails_at_bang};
    const ssp_codec bye = {.name = "bye", .wrap = identity, .unwrap = says_bye};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &bye, &codec_a, &bang);
    assert_int_equal(hear(&r, "agood!bad"), SSP_FAIL);
    assert_said(&r, SSP_UNWRAP, "good");
    assert_null(ssp_drive_broken_rule(r.drive));
    rig_close(&r);
}

CODEC_FN(whole_lines)
{
    size_t end = ssp_find(io, "\n", 1, 4096);
    UNUSED;
    if (end == SSP_NPOS)
        return SSP_FAIL;
    if (end == 0)
        return SSP_MORE;
    ssp_pass(io, end);
    return SSP_OK;
}

static void a_cut_inside_a_message_of_an_inner_layer_is_a_failure(void **unused)
{
    const ssp_codec lines = {.name = "lines", .wrap = identity, .unwrap = whole_lines};
    struct rig r;
    (void)unused;
    RIG(&r, SSP_CLIENT, &lines, &codec_a);
    assert_int_equal(hear(&r, "aone\ntw"), SSP_MORE);
    assert_said(&r, SSP_UNWRAP, "one\n");
    assert_int_equal(ssp_drive_feed(r.drive, SSP_UNWRAP, "", 0, 1), SSP_FAIL);
    rig_close(&r);
}

/* ---- rules ---- */

CODEC_FN(spins)
{
    UNUSED;
    return SSP_OK;
}

CODEC_FN(wants_the_world)
{
    UNUSED;
    ssp_need(io, SSP_WINDOW + 1);
    return SSP_MORE;
}

CODEC_FN(regrets)
{
    UNUSED;
    ssp_skip(io, 1);
    return SSP_FOREIGN;
}

CODEC_FN(invents)
{
    UNUSED;
    return (ssp_verdict)42;
}

CODEC_FN(skips_too_much)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_skip(io, n + 1);
    return SSP_OK;
}

/* At each of three places, in both directions. */
static void a_broken_rule_names_the_layer_that_broke_it(void **unused)
{
    static const struct {
        ssp_codec_fn *fn;
        const char *rule;
    } rows[] = {
        {spins, "(layer wrong) answers OK without progress"},
        {wants_the_world, "(layer wrong) asks for more input than the window holds"},
        {regrets, "(layer wrong) answers FOREIGN after it consumed"},
        {skips_too_much, "(layer wrong) skips more than is unread"},
        {invents, "(layer wrong) answers an unknown verdict"},
    };
    (void)unused;
    for (size_t i = 0; i < 6 * (sizeof rows / sizeof rows[0]); i++) {
        const ssp_codec wrong = {.name = "wrong", .wrap = rows[i / 6].fn, .unwrap = rows[i / 6].fn};
        const ssp_codec pass = {.name = "pass", .wrap = wrap_a, .unwrap = says_bye};
        const ssp_codec *codec[] = {&pass, &pass, &pass};
        struct rig r;
        codec[i % 3] = &wrong;
        rig_open(&r, SSP_SERVER, codec, 3);
        ssp_dir dir = i % 6 < 3 ? SSP_WRAP : SSP_UNWRAP;
        assert_int_equal(ssp_drive_feed(r.drive, dir, "hello", 5, 0), SSP_FAIL);
        assert_non_null(ssp_drive_broken_rule(r.drive));
        assert_string_equal(ssp_drive_broken_rule(r.drive), rows[i / 6].rule);
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
    const ssp_codec babble = {.name = "babble", .wrap = babbles, .unwrap = identity};
    const ssp_codec swallow = {.name = "swallow", .wrap = swallows, .unwrap = identity};
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
    const ssp_codec client = {.name = "c", .flags = SSP_CLIENT_ONLY};
    const ssp_codec server = {.name = "s", .flags = SSP_SERVER_ONLY | SSP_LAZY_DIAL};
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
    const ssp_codec codec = {
        .name = "c", .state_size = 1, .wrap = wrap_a, .unwrap = unwrap_a, .close = count_close};
    struct rig r;
    (void)unused;
    closed = 0;
    RIG(&r, SSP_CLIENT, &codec, &codec, &codec);
    rig_close(&r);
    assert_int_equal(closed, 3);
}

/* ---- datagrams ---- */

static long seal_a(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)conn;
    assert_true(cap >= n + 1);
    out[0] = 'a';
    if (n > 0)
        memcpy(out + 1, in, n);
    return (long)n + 1;
}

static long open_a(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)conn;
    if (n == 0 || in[0] != 'a')
        return -1;
    assert_true(cap >= n);
    memcpy(out, in + 1, n - 1);
    return (long)n - 1;
}

static long seal_too_much(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                          size_t cap)
{
    (void)seal_a(conn, in, n, out, cap);
    return (long)n + 2;
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
        cmocka_unit_test(the_first_layer_is_nearest_to_the_plain_side),
        cmocka_unit_test(a_stack_of_clear_layers_is_clear),
        cmocka_unit_test(a_stranger_to_the_wire_layer_is_a_stranger_to_all),
        cmocka_unit_test(a_stranger_to_an_inner_layer_is_diverted_through_the_outer_ones),
        cmocka_unit_test(a_client_has_no_strangers),
        cmocka_unit_test(a_layer_may_divert_the_whole),
        cmocka_unit_test(a_connection_is_diverted_before_its_first_plain_byte_or_never),
        cmocka_unit_test(a_reply_passes_the_layers_between_its_own_and_the_wire),
        cmocka_unit_test(a_reply_to_the_plain_side_passes_the_inner_layers),
        cmocka_unit_test(layers_that_reply_to_each_other_for_ever_break_a_rule),
        cmocka_unit_test(what_waits_between_layers_moves_when_the_other_direction_learns),
        cmocka_unit_test(a_blocked_layer_stops_the_layers_before_it),
        cmocka_unit_test(what_a_layer_says_at_its_end_passes_the_outer_ones),
        cmocka_unit_test(a_layer_that_ends_by_itself_ends_the_direction),
        cmocka_unit_test(a_failure_delivers_what_was_good_and_is_no_end),
        cmocka_unit_test(a_cut_inside_a_message_of_an_inner_layer_is_a_failure),
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
