/* SPDX-License-Identifier: Apache-2.0 */
/* The laws themselves: good codecs keep them, and each kind of wrong codec is told which it broke.
 */
#include "sdk_toys.h"

#include <ssplugin/testing.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *law_broken_by(const ssp_codec *codec)
{
    return ssp_laws_check(&(ssp_law_subject){.codec = codec});
}

static void assert_lawful(const ssp_codec *codec)
{
    const char *law = law_broken_by(codec);
    if (law != NULL)
        fail_msg("%s: %s", codec->name, law);
}

/* The sentence must name what went wrong, not only that something did. */
static void assert_breaks(const ssp_codec *codec, const char *sentence)
{
    const char *law = law_broken_by(codec);
    if (law == NULL)
        fail_msg("%s passes, but should fail: %s", codec->name, sentence);
    else if (strstr(law, sentence) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s\"", codec->name, sentence, law);
}

static void good_codecs_keep_every_law(void **unused)
{
    (void)unused;
    assert_lawful(&toy_xor);
    assert_lawful(&toy_frame);
    assert_lawful(&toy_upgrade);
    assert_lawful(&toy_knock);
    assert_lawful(&toy_swallow);
}

static void larger_split_payloads_are_tried_too(void **unused)
{
    (void)unused;
    assert_null(ssp_laws_check(&(ssp_law_subject){.codec = &toy_frame, .split_payload = 300}));
}

/* A length field of 16 bits under records of any size. */
static ssp_verdict wrap_long_records(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_put(io, (const uint8_t[]){0x17, 3, 3, (uint8_t)(n >> 8), (uint8_t)n}, TOY_HEADER);
    ssp_pass(io, n);
    return SSP_OK;
}

static void a_wrong_length_is_a_broken_round_trip(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "long", .wrap = wrap_long_records, .unwrap = toy_frame_unwrap};
    assert_breaks(&codec, "client to server, first stream in one feed, bytes 16385: the server's "
                          "unwrap answers FAIL");
}

static ssp_verdict identity(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return SSP_CLEAR;
}

static void wrong_bytes_are_a_broken_round_trip(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "half", .wrap = toy_flip, .unwrap = identity};
    assert_breaks(&codec, "the server gets other bytes than were sent");
}

static ssp_verdict emit_twice(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    (void)conn;
    (void)state;
    if (n == 0)
        return SSP_MORE;
    ssp_put(io, p, 1);
    ssp_pass(io, 1);
    return SSP_OK;
}

static void bytes_that_were_not_sent_are_noticed(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "twice", .wrap = identity, .unwrap = emit_twice};
    assert_breaks(&codec, "the server gets more than was sent");
}

static ssp_verdict unwrap_whole_header(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n, end = ssp_find(io, "\r\n\r\n", 4, 4096);
    (void)conn;
    (void)state;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (end == 0)
        return SSP_FAIL;
    ssp_skip(io, end);
    return SSP_CLEAR;
}

/* Right for every size when whole flights arrive: only the split law can see it. */
static ssp_verdict unwrap_whole_records(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    return n > 0 && n < TOY_HEADER ? SSP_FAIL : toy_frame_unwrap(conn, state, io);
}

static void a_header_that_must_arrive_whole_breaks_the_split_law(void **unused)
{
    (void)unused;
    const ssp_codec header = {
        .name = "impatient", .wrap = toy_upgrade_wrap, .unwrap = unwrap_whole_header};
    const ssp_codec records = {
        .name = "hasty", .wrap = toy_frame_wrap, .unwrap = unwrap_whole_records};
    assert_breaks(&header, "unwrap answers FAIL");
    assert_breaks(&records, "unwrap answers FAIL");
}

/* Takes for granted that the first flight is long. */
static ssp_verdict wrap_long_flights(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    return n > 0 && n < 7 ? SSP_FAIL : toy_frame_wrap(conn, state, io);
}

static void a_flight_that_must_arrive_whole_breaks_a_law(void **unused)
{
    (void)unused;
    const ssp_codec codec = {
        .name = "greedy", .wrap = wrap_long_flights, .unwrap = toy_frame_unwrap};
    assert_breaks(&codec, "wrap answers FAIL");
}

static ssp_verdict wrap_without_asking(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    (void)conn;
    (void)state;
    if (n == 0)
        return SSP_MORE;
    n = n < 8000 ? n : 8000;
    ssp_put(io, p, n);
    ssp_skip(io, n);
    return SSP_OK;
}

static void output_beyond_the_window_breaks_a_law(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "wide", .wrap = wrap_without_asking, .unwrap = identity};
    assert_breaks(&codec, "the codec puts more than its room");
}

struct counted {
    size_t left; /* bytes of the record that are still to come */
};

/* Counts a record by itself, and lets its middle pass for an end. */
static ssp_verdict unwrap_counting(ssp_conn *conn, void *state, ssp_io *io)
{
    struct counted *c = state;
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    (void)conn;
    if (c->left == 0) {
        ssp_need(io, TOY_HEADER);
        if (n < TOY_HEADER)
            return SSP_MORE;
        c->left = (size_t)p[3] << 8 | p[4];
        ssp_skip(io, TOY_HEADER);
        return SSP_OK;
    }
    n = n < c->left ? n : c->left;
    if (n == 0)
        return SSP_MORE;
    c->left -= n;
    ssp_pass(io, n);
    return SSP_OK;
}

/* The same for a codec that delivers whole records only. */
static ssp_verdict unwrap_header_first(ssp_conn *conn, void *state, ssp_io *io)
{
    struct counted *c = state;
    size_t n;
    if (c->left == 0)
        return unwrap_counting(conn, state, io);
    (void)ssp_in(io, &n);
    ssp_need(io, c->left);
    if (n < c->left)
        return SSP_MORE;
    ssp_pass(io, c->left);
    c->left = 0;
    return SSP_OK;
}

static void a_cut_record_is_no_end(void **unused)
{
    (void)unused;
    const ssp_codec first = {.name = "header first",
                             .state_size = sizeof(struct counted),
                             .wrap = toy_frame_wrap,
                             .unwrap = unwrap_header_first};
    assert_breaks(&first, "flight cut at 5: a cut before the first plain byte is taken for an end");

    const ssp_codec counting = {.name = "counting",
                                .state_size = sizeof(struct counted),
                                .wrap = toy_frame_wrap,
                                .unwrap = unwrap_counting};
    assert_breaks(&counting, "taken for an end");
}

struct keeper {
    const uint8_t *kept;
};

/* Delivers the first byte of the view before the present one. */
static ssp_verdict unwrap_late(ssp_conn *conn, void *state, ssp_io *io)
{
    struct keeper *k = state;
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    (void)conn;
    if (n == 0 || (k->kept == NULL && n == 1 && !ssp_eof(io))) {
        k->kept = p;
        return SSP_MORE;
    }
    ssp_put(io, k->kept != NULL ? k->kept : p, 1);
    ssp_skip(io, 1);
    k->kept = NULL;
    return SSP_OK;
}

/* Under a sanitizer the read itself ends the process, elsewhere the bytes are wrong: hence a child.
 */
static void a_pointer_that_is_kept_is_noticed(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "keeper",
                             .state_size = sizeof(struct keeper),
                             .wrap = identity,
                             .unwrap = unwrap_late};
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        _exit(law_broken_by(&codec) == NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_not_equal(status, 0);
}

static ssp_verdict spin(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return SSP_OK;
}

static void a_broken_rule_is_named(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "spin", .wrap = spin, .unwrap = identity};
    assert_breaks(&codec, "the client's wrap answers FAIL: the codec answers OK without progress");
}

/* A key stream that all connections of one side share. */
static ssp_verdict shared_stream(uint8_t *begun, ssp_io *io, uint8_t *position)
{
    size_t n, room = ssp_room_left(io);
    const uint8_t *p = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (!*begun)
        *position = 0; /* a new connection begins the stream anew */
    *begun = 1;
    n = n < room ? n : room;
    uint8_t *out = ssp_room(io, n);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(p[i] ^ (*position)++);
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_OK;
}

static ssp_verdict wrap_shared(ssp_conn *conn, void *state, ssp_io *io)
{
    static uint8_t position[3];
    return shared_stream(state, io, &position[ssp_conn_role(conn)]);
}

static ssp_verdict unwrap_shared(ssp_conn *conn, void *state, ssp_io *io)
{
    static uint8_t position[3];
    return shared_stream((uint8_t *)state + 1, io, &position[ssp_conn_role(conn)]);
}

static void state_outside_the_connection_is_noticed(void **unused)
{
    (void)unused;
    const ssp_codec codec = {
        .name = "shared", .state_size = 2, .wrap = wrap_shared, .unwrap = unwrap_shared};
    assert_breaks(&codec, "interleaved connections, bytes 4096: the server gets other bytes");
}

static ssp_verdict hold_last(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)conn;
    (void)state;
    (void)ssp_in(io, &n);
    if (!ssp_eof(io) && n > 0)
        n--;
    if (n == 0)
        return SSP_MORE;
    ssp_pass(io, n);
    return SSP_OK;
}

static void bytes_that_wait_for_more_are_noticed(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "hold", .wrap = hold_last, .unwrap = identity};
    assert_breaks(&codec, "1 of 16 bytes are held back");
}

static ssp_verdict fail_at_eof(ssp_conn *conn, void *state, ssp_io *io)
{
    return ssp_eof(io) ? SSP_FAIL : toy_flip(conn, state, io);
}

static void a_clean_end_must_stay_clean(void **unused)
{
    (void)unused;
    const ssp_codec wrap = {.name = "bitter", .wrap = fail_at_eof, .unwrap = toy_flip};
    const ssp_codec unwrap = {.name = "bitter", .wrap = toy_flip, .unwrap = fail_at_eof};
    assert_breaks(&wrap, "wrap answers FAIL");
    assert_breaks(&unwrap, "bytes 0: the server's unwrap answers FAIL");
}

static ssp_verdict end_early(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)toy_flip(conn, state, io);
    return SSP_END;
}

static void an_end_that_nobody_asked_for_is_noticed(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "brief", .wrap = end_early, .unwrap = toy_flip};
    assert_breaks(&codec, "wrap answers END");
}

static ssp_verdict foreign_at_eof(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (ssp_conn_role(conn) == SSP_CLIENT && ssp_eof(io) && n > 0)
        return SSP_FOREIGN;
    return toy_upgrade_unwrap(conn, state, io);
}

static void a_client_has_no_strangers(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "shy", .wrap = toy_upgrade_wrap, .unwrap = foreign_at_eof};
    assert_breaks(&codec, "first flight cut at 1: the client's unwrap answers FOREIGN");
}

static ssp_verdict echo(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)conn;
    (void)state;
    const uint8_t *p = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_reply(io, p, 1);
    ssp_skip(io, 1);
    return SSP_OK;
}

static void replies_to_replies_must_end(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.name = "echo", .wrap = toy_flip, .unwrap = echo};
    assert_breaks(&codec, "the two ends never stop replying");
}

/* ---- datagrams ---- */

enum { TAG = 4 };

/* A tag, a length and the bytes. */
static long seal_tagged(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)conn;
    (void)cap;
    memcpy(out, (const uint8_t[]){'t', 'g', (uint8_t)(n >> 8), (uint8_t)n}, TAG);
    if (n > 0)
        memcpy(out + TAG, in, n);
    return (long)n + TAG;
}

static long open_tagged(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)conn;
    (void)cap;
    if (n < TAG || in[0] != 't' || in[1] != 'g' || ((size_t)in[2] << 8 | in[3]) != n - TAG)
        return -1;
    memcpy(out, in + TAG, n - TAG);
    return (long)(n - TAG);
}

static long open_trusting(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                          size_t cap)
{
    (void)conn;
    (void)cap;
    if (n < TAG)
        return -1;
    memcpy(out, in + TAG, n - TAG);
    return (long)(n - TAG);
}

static ssp_codec datagram_codec(ssp_datagram_fn *seal, ssp_datagram_fn *open_fn, size_t overhead)
{
    return (ssp_codec){.size = sizeof(ssp_codec),
                       .name = "datagrams",
                       .wrap = identity,
                       .unwrap = identity,
                       .seal = seal,
                       .open = open_fn,
                       .datagram_overhead = overhead};
}

static void good_datagrams_keep_every_law(void **unused)
{
    const ssp_codec codec = datagram_codec(seal_tagged, open_tagged, TAG);
    const ssp_codec spacious = datagram_codec(seal_tagged, open_tagged, 100);
    (void)unused;
    assert_lawful(&codec);
    assert_lawful(&spacious);
}

/* Counts on memory that it has not asked for, and does not write there. */
static long seal_more(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)conn;
    if (n > 0)
        memcpy(out, in, n);
    return (long)cap + 1;
}

static void an_overhead_that_is_not_declared_is_noticed(void **unused)
{
    const ssp_codec half = datagram_codec(seal_tagged, NULL, TAG);
    const ssp_codec more = datagram_codec(seal_more, open_tagged, TAG);
    (void)unused;
    assert_breaks(&more, "writes a datagram beyond its room");
    assert_breaks(&half, "has seal without open, or open without seal");
}

static void a_cut_datagram_must_be_refused(void **unused)
{
    const ssp_codec codec = datagram_codec(seal_tagged, open_trusting, TAG);
    (void)unused;
    assert_breaks(&codec, "open takes the first 4 of 68 bytes for a datagram");
}

static int last_sealed;

static long open_in_order(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                          size_t cap)
{
    long len = open_tagged(conn, in, n, out, cap);
    int small = len < 16;
    int late = small && !last_sealed && len > 0;
    last_sealed = small;
    return late ? -1 : len;
}

static void datagrams_that_need_their_order_are_noticed(void **unused)
{
    const ssp_codec codec = datagram_codec(seal_tagged, open_in_order, TAG);
    (void)unused;
    last_sealed = 1;
    assert_breaks(&codec, "open refuses a sealed datagram");
}

/* ---- the author's lines ---- */

struct key_conf {
    const char *key;
};

static const ssp_option key_options[] = {
    {.name = "key", .type = SSP_TEXT, .offset = 0, .help = "a key", .flags = SSP_REQUIRED},
    SSP_OPTION_END};

static const ssp_codec keyed = {.size = sizeof(ssp_codec),
                                .name = "keyed",
                                .version = "1",
                                .about = "a codec with an option",
                                .conf_size = sizeof(struct key_conf),
                                .options = key_options,
                                .wrap = toy_flip,
                                .unwrap = toy_flip};

static void one_line_runs_the_laws(void **unused)
{
    ssp_codec wrong = keyed;
    (void)unused;
    wrong.wrap = spin;
    assert_int_equal(ssp_laws_main(&keyed, "key=a", "key=a"), 0);
    assert_int_equal(ssp_laws_main(&keyed, "key=a", NULL), 1);
    assert_int_equal(ssp_laws_main(&keyed, "key=a\\", "key=a"), 1);
    assert_int_equal(ssp_laws_main(&wrong, "key=a", "key=a"), 1);
}

/* Returns the status of a process that fuzzes codec with these bytes. */
static int fuzz(const ssp_codec *codec, const char *options, const char *bytes, size_t n)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        ssp_fuzz_codec(codec, options, (const uint8_t *)bytes, n);
        ssp_fuzz_codec(codec, options, (const uint8_t *)bytes, n);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_fuzzer_finds_broken_rules_and_refused_options(void **unused)
{
    static const char bytes[] = "\x05hello\x45hello\x83\x17\x03\x03\xc1x";
    ssp_codec wrong = keyed;
    (void)unused;
    assert_int_equal(fuzz(&keyed, "key=a", bytes, sizeof bytes - 1), 0);
    assert_int_equal(fuzz(&toy_frame, NULL, bytes, sizeof bytes - 1), 0);
    assert_int_equal(fuzz(&toy_knock, NULL, bytes, sizeof bytes - 1), 0);
    assert_int_equal(fuzz(&keyed, "key=a", NULL, 0), 0);
    assert_true(WIFSIGNALED(fuzz(&keyed, NULL, bytes, sizeof bytes - 1)));
    wrong.wrap = spin; /* only reached by the pieces */
    assert_true(WIFSIGNALED(fuzz(&wrong, "key=a", bytes, sizeof bytes - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_datagrams_keep_every_law),
        cmocka_unit_test(an_overhead_that_is_not_declared_is_noticed),
        cmocka_unit_test(a_cut_datagram_must_be_refused),
        cmocka_unit_test(datagrams_that_need_their_order_are_noticed),
        cmocka_unit_test(one_line_runs_the_laws),
        cmocka_unit_test(a_fuzzer_finds_broken_rules_and_refused_options),
        cmocka_unit_test(good_codecs_keep_every_law),
        cmocka_unit_test(larger_split_payloads_are_tried_too),
        cmocka_unit_test(a_wrong_length_is_a_broken_round_trip),
        cmocka_unit_test(wrong_bytes_are_a_broken_round_trip),
        cmocka_unit_test(bytes_that_were_not_sent_are_noticed),
        cmocka_unit_test(a_header_that_must_arrive_whole_breaks_the_split_law),
        cmocka_unit_test(a_flight_that_must_arrive_whole_breaks_a_law),
        cmocka_unit_test(output_beyond_the_window_breaks_a_law),
        cmocka_unit_test(a_cut_record_is_no_end),
        cmocka_unit_test(a_pointer_that_is_kept_is_noticed),
        cmocka_unit_test(a_broken_rule_is_named),
        cmocka_unit_test(state_outside_the_connection_is_noticed),
        cmocka_unit_test(bytes_that_wait_for_more_are_noticed),
        cmocka_unit_test(a_clean_end_must_stay_clean),
        cmocka_unit_test(an_end_that_nobody_asked_for_is_noticed),
        cmocka_unit_test(a_client_has_no_strangers),
        cmocka_unit_test(replies_to_replies_must_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
