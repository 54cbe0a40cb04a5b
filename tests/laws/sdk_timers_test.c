/* SPDX-License-Identifier: Apache-2.0 */
/* The laws of timers: records of at most 255 bytes, whose unwrap drops the empty ones. */
#include "sdk_lawful.h"

enum { RECORD_MAX = 255, SILENCE_MS = 20 };

static ssp_verdict write_record(ssp_io *io, size_t n)
{
    n = n < RECORD_MAX ? n : RECORD_MAX;
    ssp_put(io, (const uint8_t[]){(uint8_t)n}, 1);
    ssp_pass(io, n);
    return SSP_OK;
}

static ssp_verdict read_record(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    (void)conn;
    (void)state;
    if (n == 0)
        return SSP_MORE;
    size_t len = *in;
    ssp_skip(io, 1);
    ssp_pass_ahead(io, len);
    return SSP_OK;
}

static ssp_verdict write_or_ping(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    (void)state;
    ssp_conn_timer(conn, SSP_WRAP, SILENCE_MS);
    return n > 0 || ssp_timer_fired(io) ? write_record(io, n) : SSP_MORE;
}

/* Waits for more, or for its timer. */
static ssp_verdict gather(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    (void)state;
    if (n >= RECORD_MAX || (n > 0 && (ssp_timer_fired(io) || ssp_eof(io))))
        return write_record(io, n);
    ssp_conn_timer(conn, SSP_WRAP, n > 0 ? SILENCE_MS : 0);
    return SSP_MORE;
}

static void keep_alives_and_delayed_flushes_keep_every_law(void **unused)
{
    const ssp_codec pinging = {
        .size = sizeof(ssp_codec), .name = "ping", .wrap = write_or_ping, .unwrap = read_record};
    const ssp_codec gathering = {
        .size = sizeof(ssp_codec), .name = "gather", .wrap = gather, .unwrap = read_record};
    (void)unused;
    assert_lawful(&pinging);
    assert_lawful(&gathering);
}

/* Its peer takes the ping for payload. */
static ssp_verdict write_or_ping_naked(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    (void)state;
    ssp_conn_timer(conn, SSP_WRAP, SILENCE_MS);
    if (ssp_timer_fired(io))
        ssp_put(io, (const uint8_t[]){1, '.'}, 2);
    return n > 0 ? write_record(io, n) : SSP_MORE;
}

static void a_ping_that_becomes_payload_breaks_a_law(void **unused)
{
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "naked",
                             .wrap = write_or_ping_naked,
                             .unwrap = read_record};
    (void)unused;
    assert_breaks(&codec, "client to server, timers between inputs, later stream, bytes 17: the");
}

/* Forgets a header whose payload does not follow in time. */
static ssp_verdict forget_header(ssp_conn *conn, void *state, ssp_io *io)
{
    uint8_t *len = state;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (ssp_timer_fired(io))
        *len = 0;
    if (n > 0 && *len == 0) {
        *len = *in;
        ssp_skip(io, 1);
        ssp_conn_timer(conn, SSP_UNWRAP, SILENCE_MS);
        return SSP_OK;
    }
    if (n < *len || n == 0)
        return *len > 0 && ssp_eof(io) ? SSP_FAIL : SSP_MORE;
    ssp_conn_timer(conn, SSP_UNWRAP, 0);
    ssp_pass(io, *len);
    *len = 0;
    return SSP_OK;
}

static ssp_verdict write_payload(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    (void)conn;
    (void)state;
    return n > 0 ? write_record(io, n) : SSP_MORE;
}

static void a_timer_that_forgets_half_a_message_breaks_a_law(void **unused)
{
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "forgetful",
                             .state_size = 1,
                             .wrap = write_payload,
                             .unwrap = forget_header};
    (void)unused;
    assert_breaks(&codec, "timers between inputs");
}

static ssp_verdict reply_now_and_then(ssp_conn *conn, void *state, ssp_io *io)
{
    ssp_conn_timer(conn, SSP_UNWRAP, SILENCE_MS);
    if (ssp_timer_fired(io))
        ssp_reply(io, (const uint8_t[]){0}, 1);
    return read_record(conn, state, io);
}

static void a_timer_that_speaks_behind_the_end_breaks_a_law(void **unused)
{
    const ssp_codec codec = {.size = sizeof(ssp_codec),
                             .name = "late",
                             .wrap = write_payload,
                             .unwrap = reply_now_and_then};
    (void)unused;
    assert_breaks(&codec, "the client's timer: the codec replies by a timer after that direction "
                          "has ended");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keep_alives_and_delayed_flushes_keep_every_law),
        cmocka_unit_test(a_ping_that_becomes_payload_breaks_a_law),
        cmocka_unit_test(a_timer_that_forgets_half_a_message_breaks_a_law),
        cmocka_unit_test(a_timer_that_speaks_behind_the_end_breaks_a_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
