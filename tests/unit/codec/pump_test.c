/* SPDX-License-Identifier: Apache-2.0 */
/* The contract between codec and engine, clause by clause. */
#include "driven.h"

/* ---- input ---- */

/* "<digit><that many bytes>" becomes "[bytes]". */
CODEC_FN(counted)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    UNUSED;
    if (n == 0)
        return SSP_MORE;
    if (*p < '0' || *p > '9')
        return SSP_FAIL;
    size_t len = (size_t)*p - '0';
    ssp_need(io, 1 + len);
    if (n < 1 + len)
        return SSP_MORE;
    ssp_put(io, "[", 1);
    ssp_skip(io, 1);
    ssp_pass(io, len);
    ssp_put(io, "]", 1);
    return SSP_OK;
}

static void every_split_gives_the_same_output(void **unused)
{
    static const char dialogue[] = "3abc0"
                                   "9123456789"
                                   "1x";
    const ssp_codec codec = CODEC(counted);
    (void)unused;
    for (size_t cut = 0; cut < sizeof dialogue; cut++) {
        ssp_drive *d = drive_of(&codec);
        assert_int_equal(ssp_drive_feed(d, SSP_WRAP, dialogue, cut, 0), SSP_MORE);
        assert_int_equal(feed(d, dialogue + cut), SSP_MORE);
        assert_output(d, SSP_WRAP, "[abc][][123456789][x]");
        assert_int_equal(finish(d), SSP_END);
        ssp_drive_free(d);
    }
}

static void an_end_inside_a_message_is_a_cut(void **unused)
{
    const ssp_codec codec = CODEC(counted);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "1a3b"), SSP_MORE);
    assert_int_equal(finish(d), SSP_FAIL);
    assert_output(d, SSP_WRAP, "[a]");
    assert_null(ssp_drive_broken_rule(d));
    ssp_drive_free(d);
}

static void a_failure_keeps_the_output_before_it(void **unused)
{
    const ssp_codec codec = CODEC(counted);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "1a?"), SSP_FAIL);
    assert_output(d, SSP_WRAP, "[a]");
    assert_int_equal(feed(d, "1b"), SSP_FAIL);
    assert_output(d, SSP_WRAP, "[a]");
    ssp_drive_free(d);
}

struct calls {
    int n;
};

CODEC_FN(wants_ten)
{
    struct calls *calls = state;
    (void)conn;
    calls->n++;
    ssp_put(io, "0123456789", (size_t)calls->n);
    ssp_need(io, 10);
    return SSP_MORE;
}

static void a_codec_is_not_called_before_its_need_is_there(void **unused)
{
    ssp_codec codec = CODEC(wants_ten);
    (void)unused;
    codec.state_size = sizeof(struct calls);
    ssp_drive *d = drive_of(&codec);
    (void)feed(d, "123");
    (void)feed(d, "456789");
    assert_output(d, SSP_WRAP, "0");
    (void)feed(d, "0");
    assert_output(d, SSP_WRAP, "001");
    ssp_drive_free(d);
}

CODEC_FN(needs_five_of_each)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_need(io, 5);
    if (n < 5)
        return n == 0 ? SSP_MORE : SSP_FAIL;
    ssp_skip(io, n - 1);
    ssp_pass(io, 1);
    return SSP_OK;
}

static void a_need_counts_with_more_only(void **unused)
{
    const ssp_codec codec = CODEC(needs_five_of_each);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "12345"), SSP_MORE);
    assert_int_equal(feed(d, "1234"), SSP_MORE);
    assert_int_equal(finish(d), SSP_FAIL);
    assert_output(d, SSP_WRAP, "5");
    ssp_drive_free(d);
}

CODEC_FN(preface_of_seven)
{
    struct calls *calls = state;
    (void)conn;
    ssp_put(io, "<", 1);
    if (calls->n++ == 0)
        ssp_pass_ahead(io, 7);
    return calls->n == 1 ? SSP_OK : SSP_CLEAR;
}

static void pass_ahead_reaches_over_feeds(void **unused)
{
    ssp_codec codec = CODEC(preface_of_seven);
    (void)unused;
    codec.state_size = sizeof(struct calls);
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "ab"), SSP_MORE);
    assert_output(d, SSP_WRAP, "<ab");
    assert_int_equal(feed(d, "cdef"), SSP_MORE);
    assert_output(d, SSP_WRAP, "<abcdef");
    assert_int_equal(feed(d, "gh"), SSP_CLEAR);
    assert_output(d, SSP_WRAP, "<abcdefg<h");
    ssp_drive_free(d);
}

static void an_end_inside_what_was_passed_ahead_is_a_cut(void **unused)
{
    ssp_codec codec = CODEC(preface_of_seven);
    (void)unused;
    codec.state_size = sizeof(struct calls);
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "abcdef", 6, 1), SSP_FAIL);
    assert_output(d, SSP_WRAP, "<abcdef");
    ssp_drive_free(d);
}

/* ---- output ---- */

static void what_is_passed_is_not_copied(void **unused)
{
    static const uint8_t in[] = "4abcd2ef";
    uint8_t out[8192];
    struct ssp__pump pump = {.fn = counted, .min_room = 4096};
    ssp_io io = {.in = in, .in_len = 8, .out = out, .out_cap = sizeof out};
    (void)unused;
    ssp__pump_begin(&pump, &io);
    assert_int_equal(ssp__pump_run(&pump, &(ssp_conn){.role = SSP_CLIENT}, NULL, &io), SSP_MORE);
    assert_int_equal(io.total, 10);
    assert_int_equal(io.pieces, 5); /* the "]" of one and the "[" of the next are one run */
    assert_ptr_equal(io.piece[1].iov_base, in + 1);
    assert_ptr_equal(io.piece[3].iov_base, in + 6);
}

static void a_full_view_is_handed_back_and_run_again(void **unused)
{
    uint8_t in[200], out[8192];
    struct ssp__pump pump = {.fn = counted, .min_room = 4096};
    ssp_io io = {.in = in, .in_len = sizeof in, .out = out, .out_cap = sizeof out};
    size_t total = 0;
    (void)unused;
    memset(in, '1', sizeof in);
    int runs = 0;
    ssp_verdict verdict = SSP_OK;
    for (; verdict == SSP_OK; runs++) {
        ssp__pump_begin(&pump, &io);
        verdict = ssp__pump_run(&pump, &(ssp_conn){.role = SSP_CLIENT}, NULL, &io);
        ssp__pump_finish(&pump, &io);
        assert_true(io.pieces <= SSP_IO_PIECES);
        total += io.total;
    }
    assert_int_equal(verdict, SSP_MORE);
    assert_int_equal(total, 300);
    assert_true(runs > 1);
}

/* A thousand pieces in one call, more than a view has. */
CODEC_FN(dotted)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    if (n < 1000)
        return SSP_MORE;
    for (int i = 0; i < 1000; i++) {
        ssp_put(io, ".", 1);
        ssp_pass(io, 1);
    }
    return SSP_OK;
}

static void more_pieces_than_a_view_has_are_copied(void **unused)
{
    const ssp_codec codec = CODEC(dotted);
    char in[1001] = "", out[2001] = "";
    (void)unused;
    for (size_t i = 0; i < 1000; i++) {
        in[i] = (char)('a' + i % 26);
        out[2 * i] = '.';
        out[2 * i + 1] = in[i];
    }
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, in), SSP_MORE);
    assert_output(d, SSP_WRAP, out);
    ssp_drive_free(d);
}

struct pending {
    size_t left;
};

/* Each byte asks for 10000 bytes of output, which come 3000 at a time. */
CODEC_FN(talks_at_length)
{
    struct pending *pending = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    ssp_skip(io, n);
    pending->left += n * 10000;
    if (pending->left == 0)
        return SSP_MORE;
    size_t part = pending->left < 3000 ? pending->left : 3000;
    uint8_t *out = ssp_room(io, part);
    if (out == NULL)
        return SSP_OK;
    memset(out, 'x', part);
    ssp_used(io, part);
    pending->left -= part;
    return SSP_OK;
}

static void output_without_input_goes_on_while_the_codec_answers_ok(void **unused)
{
    ssp_codec codec = CODEC(talks_at_length);
    size_t n;
    (void)unused;
    codec.state_size = sizeof(struct pending);
    ssp_drive *d = drive_of(&codec);
    ssp_drive_window(d, 1);
    assert_int_equal(feed(d, "12"), SSP_MORE);
    (void)ssp_drive_output(d, SSP_WRAP, &n);
    assert_int_equal(n, 20000);
    ssp_drive_free(d);
}

CODEC_FN(shouts_back)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    UNUSED;
    if (n == 0)
        return SSP_MORE;
    ssp_reply(io, p, 1);
    ssp_skip(io, 1);
    return SSP_OK;
}

static void a_reply_comes_out_on_the_other_side(void **unused)
{
    const ssp_codec codec = CODEC(shouts_back);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, "hello", 5, 0), SSP_MORE);
    assert_output(d, SSP_WRAP, "hello");
    assert_output(d, SSP_UNWRAP, "");
    ssp_drive_take(d, SSP_WRAP, 4);
    assert_output(d, SSP_WRAP, "o");
    ssp_drive_free(d);
}

/* ---- verdicts ---- */

CODEC_FN(greets_then_clears)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    (void)ssp_putf(io, "hello %d ", 42);
    return SSP_CLEAR;
}

static void clear_passes_the_rest(void **unused)
{
    const ssp_codec codec = CODEC(greets_then_clears);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, ""), SSP_MORE);
    assert_int_equal(feed(d, "a"), SSP_CLEAR);
    assert_int_equal(feed(d, "bc"), SSP_CLEAR);
    assert_int_equal(finish(d), SSP_END);
    assert_output(d, SSP_WRAP, "hello 42 abc");
    ssp_drive_free(d);
}

CODEC_FN(ends_at_dot)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    UNUSED;
    if (n == 0)
        return SSP_MORE;
    if (*p == '.')
        return SSP_END;
    ssp_pass(io, 1);
    return SSP_OK;
}

static void end_stands_behind_the_last_output(void **unused)
{
    const ssp_codec codec = CODEC(ends_at_dot);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "abc.def"), SSP_END);
    assert_output(d, SSP_WRAP, "abc");
    assert_int_equal(feed(d, "ghi"), SSP_END);
    assert_output(d, SSP_WRAP, "abc");
    ssp_drive_free(d);
}

CODEC_FN(knows_hello)
{
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    UNUSED;
    if (memcmp(p, "hello", n < 5 ? n : 5) != 0)
        return SSP_FOREIGN;
    if (n < 5)
        return SSP_MORE;
    ssp_skip(io, 5);
    return SSP_CLEAR;
}

static void foreign_is_no_broken_rule_while_nothing_is_consumed(void **unused)
{
    const ssp_codec codec = CODEC(knows_hello);
    (void)unused;
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "he"), SSP_MORE);
    assert_int_equal(feed(d, "y"), SSP_FOREIGN);
    assert_null(ssp_drive_broken_rule(d));
    ssp_drive_free(d);
}

CODEC_FN(closes_politely)
{
    struct calls *calls = state;
    size_t n;
    (void)conn;
    (void)ssp_in(io, &n);
    ssp_pass(io, n);
    if (!ssp_eof(io) || calls->n++ > 0)
        return n > 0 ? SSP_OK : SSP_MORE;
    ssp_put(io, " bye", 4);
    return SSP_OK;
}

static void the_end_of_input_may_be_answered_with_output(void **unused)
{
    ssp_codec codec = CODEC(closes_politely);
    (void)unused;
    codec.state_size = sizeof(struct calls);
    ssp_drive *d = drive_of(&codec);
    assert_int_equal(feed(d, "data"), SSP_MORE);
    assert_int_equal(finish(d), SSP_END);
    assert_output(d, SSP_WRAP, "data bye");
    ssp_drive_free(d);
}

/* ---- the connection ---- */

struct closed {
    int *times;
};

CODEC_FN(notes_conf)
{
    struct closed *closed = state;
    size_t n;
    closed->times = *(int *const *)ssp_conn_conf(conn);
    (void)ssp_in(io, &n);
    ssp_skip(io, n);
    return SSP_MORE;
}

static void count_close(ssp_conn *conn, void *state)
{
    (void)conn;
    const struct closed *closed = state;
    ++*closed->times;
}

static void close_is_called_once(void **unused)
{
    int times = 0;
    int *conf = &times;
    ssp_codec codec = CODEC(notes_conf);
    (void)unused;
    codec.state_size = sizeof(struct closed);
    codec.close = count_close;
    ssp_drive *d = ssp_drive_new(&codec, SSP_SERVER, &conf, NULL);
    (void)feed(d, "x");
    ssp_drive_free(d);
    assert_int_equal(times, 1);
    ssp_drive_free(NULL);
}

CODEC_FN(tells_the_world)
{
    uint8_t random[2];
    size_t n;
    (void)state;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_skip(io, n);
    ssp_conn_random(conn, random, sizeof random);
    (void)ssp_putf(io, "%d %02x%02x %lld", ssp_conn_role(conn), random[0], random[1],
                   (long long)ssp_conn_time(conn));
    return SSP_OK;
}

static void fill_with_seven(void *arg, void *bytes, size_t n)
{
    (void)arg;
    memset(bytes, 7, n);
}

static int64_t time_of(void *arg)
{
    return *(int64_t *)arg;
}

static void role_randomness_and_time_come_from_outside(void **unused)
{
    int64_t now = 1700000000;
    const ssp_world world = {.random = fill_with_seven, .unix_time = time_of, .arg = &now};
    const ssp_codec codec = CODEC(tells_the_world);
    (void)unused;
    ssp_drive *d = ssp_drive_new(&codec, SSP_SERVER, NULL, &world);
    (void)feed(d, "?");
    assert_output(d, SSP_WRAP, "2 0707 1700000000");
    ssp_drive_free(d);
    d = ssp_drive_new(&codec, SSP_CLIENT, NULL, NULL);
    (void)feed(d, "?");
    assert_output(d, SSP_WRAP, "1 0000 0");
    ssp_drive_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_output),
        cmocka_unit_test(an_end_inside_a_message_is_a_cut),
        cmocka_unit_test(a_failure_keeps_the_output_before_it),
        cmocka_unit_test(a_codec_is_not_called_before_its_need_is_there),
        cmocka_unit_test(a_need_counts_with_more_only),
        cmocka_unit_test(pass_ahead_reaches_over_feeds),
        cmocka_unit_test(an_end_inside_what_was_passed_ahead_is_a_cut),
        cmocka_unit_test(what_is_passed_is_not_copied),
        cmocka_unit_test(a_full_view_is_handed_back_and_run_again),
        cmocka_unit_test(more_pieces_than_a_view_has_are_copied),
        cmocka_unit_test(output_without_input_goes_on_while_the_codec_answers_ok),
        cmocka_unit_test(a_reply_comes_out_on_the_other_side),
        cmocka_unit_test(clear_passes_the_rest),
        cmocka_unit_test(end_stands_behind_the_last_output),
        cmocka_unit_test(foreign_is_no_broken_rule_while_nothing_is_consumed),
        cmocka_unit_test(the_end_of_input_may_be_answered_with_output),
        cmocka_unit_test(close_is_called_once),
        cmocka_unit_test(role_randomness_and_time_come_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
