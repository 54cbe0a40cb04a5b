/* SPDX-License-Identifier: Apache-2.0 */
/* The laws themselves: good codecs keep them, and each kind of wrong codec is told which it broke.
 */
#include "sdk_lawful.h"
#include "sdk_toys.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPLIT_PAYLOAD = 64 }; /* what a subject of 0 means */

static void good_codecs_keep_every_law(void **unused)
{
    (void)unused;
    assert_lawful(&toy_xor);
    assert_lawful(&toy_frame);
    assert_lawful(&toy_closing);
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
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "long",
                             .wrap = wrap_long_records,
                             .unwrap = toy_frame_unwrap};
    assert_breaks(&codec, "client to server, first stream in one feed, bytes 16385: the server's "
                          "unwrap answers FAIL");
}

static void wrong_bytes_are_a_broken_round_trip(void **unused)
{
    (void)unused;
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "half", .wrap = toy_flip, .unwrap = toy_identity};
    assert_breaks(&codec, "the server receives other bytes than were sent");
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
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "twice", .wrap = toy_identity, .unwrap = emit_twice};
    assert_breaks(&codec, "the server receives more bytes than were sent");
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
    const ssp_codec header = {.size = sizeof(ssp_codec),
                              .name = "impatient",
                              .wrap = toy_upgrade_wrap,
                              .unwrap = unwrap_whole_header};
    const ssp_codec records = {.size = sizeof(ssp_codec),
                               .name = "hasty",
                               .wrap = toy_frame_wrap,
                               .unwrap = unwrap_whole_records};
    assert_breaks(&header, "unwrap answers FAIL");
    assert_breaks(&records, "unwrap answers FAIL");
}

struct impatience {
    bool waited, begun;
};

/* Wants the header of its first record at once, byte by byte, or not at all.  Records of the split
 * laws' size only, so that no stream in random feeds comes upon it. */
static ssp_verdict unwrap_second_piece(ssp_conn *conn, void *state, ssp_io *io)
{
    struct impatience *i = state;
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    bool late = i->waited && !i->begun && n > TOY_HEADER && p[4] == SPLIT_PAYLOAD;
    i->waited |= n > 0 && n < TOY_HEADER;
    i->begun |= n >= TOY_HEADER;
    return late ? SSP_FAIL : toy_frame_unwrap(conn, state, io);
}

static void every_single_cut_of_the_wire_is_tried(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "second piece",
                             .state_size = sizeof(struct impatience),
                             .wrap = toy_frame_wrap,
                             .unwrap = unwrap_second_piece};
    assert_breaks(&codec, "two flights, wire cut at 1: the server's unwrap answers FAIL");
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
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "greedy",
                             .wrap = wrap_long_flights,
                             .unwrap = toy_frame_unwrap};
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
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "wide",
                             .wrap = wrap_without_asking,
                             .unwrap = toy_identity};
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
    const ssp_codec first = {.size = sizeof(ssp_codec),
                             .name = "header first",
                             .state_size = sizeof(struct counted),
                             .wrap = toy_frame_wrap,
                             .unwrap = unwrap_header_first};
    assert_breaks(&first, "flight cut at 5: a cut before the first plain byte passes for an end");

    const ssp_codec counting = {.size = sizeof(ssp_codec),
                                .name = "counting",
                                .state_size = sizeof(struct counted),
                                .wrap = toy_frame_wrap,
                                .unwrap = unwrap_counting};
    assert_breaks(&counting, "for an end");
}

/* Knows the record that says the end, and takes a bare FIN between two records for one, too. */
static ssp_verdict unwrap_believing(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    return n == 0 ? SSP_MORE : toy_closing.unwrap(conn, state, io);
}

/* As above, but only once a record has come. */
static ssp_verdict unwrap_trusting(ssp_conn *conn, void *state, ssp_io *io)
{
    bool *spoken = state;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0 && *spoken)
        return SSP_MORE;
    *spoken = n >= TOY_HEADER;
    return toy_closing.unwrap(conn, state, io);
}

static void a_bare_end_is_none_where_the_end_is_said(void **unused)
{
    (void)unused;
    const ssp_codec believing = {.size = sizeof(ssp_codec),
                                 .name = "believing",
                                 .wrap = toy_closing_wrap,
                                 .unwrap = unwrap_believing};
    assert_breaks(&believing, "client to server, first flight and its end, cut at 0: the cut "
                              "passes for the end, which needs a message of its own");

    const ssp_codec trusting = {.size = sizeof(ssp_codec),
                                .name = "trusting",
                                .state_size = sizeof(bool),
                                .wrap = toy_closing_wrap,
                                .unwrap = unwrap_trusting};
    assert_breaks(&trusting, "client to server, first flight and its end, cut at 69: the cut");
}

/* Holds plain bytes during the handshake without saying that it waits for the other end. */
static ssp_verdict wrap_forgetful(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    uint8_t *said = (uint8_t *)state, *heard = said + 1;
    (void)ssp_in(io, &n);
    if (n > 0 && *said == 0 && ssp_conn_role(conn) == SSP_CLIENT) {
        ssp_put(io, "?", 1);
        *said = 1;
    }
    return *heard != 0 ? SSP_CLEAR : SSP_MORE;
}

static ssp_verdict unwrap_forgetful(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (ssp_conn_role(conn) == SSP_SERVER)
        ssp_reply(io, "!", 1);
    ssp_skip(io, 1);
    ((uint8_t *)state)[1] = 1;
    return SSP_CLEAR;
}

static void a_handshake_that_does_not_wait_loses_a_stream_that_ends_at_once(void **unused)
{
    (void)unused;
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "forgetful",
                             .state_size = 2,
                             .wrap = wrap_forgetful,
                             .unwrap = unwrap_forgetful};
    assert_breaks(&codec, "client to server, stream and its end at once (ssp_wait() in a "
                          "handshake), bytes 7: the client's wrap answers FAIL");
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
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "keeper",
                             .state_size = sizeof(struct keeper),
                             .wrap = toy_identity,
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

static void a_broken_rule_is_named(void **unused)
{
    (void)unused;
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "spin", .wrap = toy_spin, .unwrap = toy_identity};
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
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "shared",
                             .state_size = 2,
                             .wrap = wrap_shared,
                             .unwrap = unwrap_shared};
    assert_breaks(&codec, "interleaved connections, bytes 4096: the server receives other bytes");
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
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "hold", .wrap = hold_last, .unwrap = toy_identity};
    assert_breaks(&codec, "1 of 16 bytes are held back");
}

static ssp_verdict fail_at_eof(ssp_conn *conn, void *state, ssp_io *io)
{
    return ssp_eof(io) ? SSP_FAIL : toy_flip(conn, state, io);
}

static void a_clean_end_must_stay_clean(void **unused)
{
    (void)unused;
    const ssp_codec wrap = {
        .size = sizeof(ssp_codec), .name = "bitter", .wrap = fail_at_eof, .unwrap = toy_flip};
    const ssp_codec unwrap = {
        .size = sizeof(ssp_codec), .name = "bitter", .wrap = toy_flip, .unwrap = fail_at_eof};
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
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "brief", .wrap = end_early, .unwrap = toy_flip};
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
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "shy",
                             .wrap = toy_upgrade_wrap,
                             .unwrap = foreign_at_eof};
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
    const ssp_codec codec = {
        .size = sizeof(ssp_codec), .name = "echo", .wrap = toy_flip, .unwrap = echo};
    assert_breaks(&codec, "the two ends never stop replying");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_codecs_keep_every_law),
        cmocka_unit_test(larger_split_payloads_are_tried_too),
        cmocka_unit_test(a_wrong_length_is_a_broken_round_trip),
        cmocka_unit_test(wrong_bytes_are_a_broken_round_trip),
        cmocka_unit_test(bytes_that_were_not_sent_are_noticed),
        cmocka_unit_test(a_header_that_must_arrive_whole_breaks_the_split_law),
        cmocka_unit_test(every_single_cut_of_the_wire_is_tried),
        cmocka_unit_test(a_flight_that_must_arrive_whole_breaks_a_law),
        cmocka_unit_test(output_beyond_the_window_breaks_a_law),
        cmocka_unit_test(a_cut_record_is_no_end),
        cmocka_unit_test(a_bare_end_is_none_where_the_end_is_said),
        cmocka_unit_test(a_handshake_that_does_not_wait_loses_a_stream_that_ends_at_once),
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
