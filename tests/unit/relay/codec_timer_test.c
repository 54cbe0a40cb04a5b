/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions whose codec asks to be called. */
#include "codec_fn.h"
#include "session_rig.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SILENCE_MS = 20, CHUNK = 65536, SNDBUF = 65536 };

static ssp_verdict pass(ssp_io *io)
{
    size_t n;
    (void)ssp_in(io, &n);
    ssp_pass(io, n);
    return n > 0 ? SSP_OK : SSP_MORE;
}

CODEC_FN(passes)
{
    UNUSED;
    return pass(io);
}

/* Says "." after each 20 ms of silence. */
static ssp_verdict ping(ssp_conn *conn, ssp_io *io, ssp_dir dir)
{
    ssp_conn_timer(conn, dir, SILENCE_MS);
    if (ssp_timer_fired(io))
        ssp_put(io, ".", 1);
    return pass(io);
}

CODEC_FN(pings)
{
    UNUSED;
    return ping(conn, io, SSP_WRAP);
}

CODEC_FN(pings_back)
{
    UNUSED;
    return ping(conn, io, SSP_UNWRAP);
}

static const ssp_codec pinging = CODEC("ping", pings, pings_back);

static void each_direction_speaks_without_input(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &pinging, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    expect_text(target, "x...");
    send_text(target, "y");
    for (char byte = 0; byte != 'y';) /* it may have been pinged before */
        assert_int_equal(recv(client, &byte, 1, 0), 1);
    expect_text(client, "...");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

static void a_direction_that_has_ended_is_silent_and_the_other_goes_on(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &pinging, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    send_text(target, "y");
    (void)shutdown(client, SHUT_WR);
    char byte;
    while (recv(target, &byte, 1, 0) == 1)
        ;
    for (byte = 0; byte != 'y';)
        assert_int_equal(recv(client, &byte, 1, 0), 1);
    expect_text(client, "...");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* Keeps its input until 20 ms after the last byte, or until its end. */
CODEC_FN(gathers)
{
    UNUSED;
    if (ssp_timer_fired(io) || ssp_eof(io))
        return pass(io);
    ssp_conn_timer(conn, SSP_WRAP, SILENCE_MS);
    return SSP_MORE;
}

static const ssp_codec gathering = CODEC("gather", gathers, passes);

static void a_delayed_flush_loses_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &gathering, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "a");
    int target = accept_from(r.target_fd);
    send_text(client, "b");
    expect_text(target, "ab");
    send_text(client, "c");
    (void)shutdown(client, SHUT_WR);
    expect_text(target, "c");
    expect_end(target);
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* Disowns a peer that has not said "hello" within 20 ms of its first byte. */
CODEC_FN(impatient)
{
    UNUSED;
    size_t n;
    (void)ssp_in(io, &n);
    if (ssp_timer_fired(io))
        return SSP_FOREIGN;
    if (n == 1)
        ssp_conn_timer(conn, SSP_UNWRAP, SILENCE_MS);
    ssp_need(io, 5);
    return n < 5 ? SSP_MORE : SSP_CLEAR;
}

static const ssp_codec impatient_codec = CODEC("impatient", codec_clear, impatient);

static void a_timer_fires_before_the_target_is_known(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &impatient_codec, SSP_ACCEPTED);
    int fallback = rig_fallback(&r);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "h");
    int elsewhere = accept_from(fallback);
    expect_text(elsewhere, "h");
    expect_nobody(r.target_fd);
    (void)close(elsewhere);
    (void)close(fallback);
    (void)close(client);
    rig_close(&r);
}

/* Its output waits for the target, and so does the timer. */
static void a_timer_waits_for_the_target(void **state)
{
    int clog[CLOGS];
    (void)state;
    struct rig r;
    rig_open(&r, &pinging, SSP_ACCEPTED);
    assert_int_equal(listen(r.target_fd, 0), 0);
    clog_up(&r.endpoint, clog);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    assert_int_equal(listen(r.target_fd, 64), 0);
    for (char byte = 0; byte != 'x';) {
        int target = accept_from(r.target_fd);
        struct pollfd p = {.fd = target, .events = POLLIN};
        bool ours = poll(&p, 1, 1) == 1 && recv(target, &byte, 1, 0) == 1;
        if (ours)
            expect_text(target, "...");
        (void)close(target);
    }
    unclog(clog);
    (void)close(client);
    rig_close(&r);
}

static ssp_verdict constant_feed(ssp_conn *conn, void *state, ssp_io *io,
                                 struct ssp__target *target)
{
    (void)state;
    (void)io;
    *target = *(const struct ssp__target *)ssp_conn_conf(conn);
    return SSP_CLEAR;
}

static const struct ssp__front constant_front = {.name = "constant", .feed = constant_feed};

static bool to_target(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    (void)arg;
    plan->endpoint = &query->target->endpoint;
    plan->endpoints = 1;
    plan->say_target = true;
    return query->failed == 0;
}

/* The target header waits for payload: the other direction is called all the same. */
static void a_held_direction_waits_and_the_other_does_not(void **state)
{
    struct ssp__target header = {.header = "header", .header_len = 6};
    (void)state;
    struct rig r;
    rig_open(&r, &pinging, SSP_DIALED);
    header.endpoint = r.endpoint;
    r.service.front = &constant_front;
    r.service.front_conf = &header;
    r.service.plan = to_target;
    r.service.limits.hold_ms = LONG_MS;
    rig_start(&r);
    int client = connect_to(r.port);
    int target = accept_from(r.target_fd);
    send_text(target, "y");
    char byte = 0;
    while (byte != 'y')
        assert_int_equal(recv(client, &byte, 1, 0), 1);
    expect_text(client, "...");
    struct pollfd p = {.fd = target, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    send_text(client, "x");
    expect_text(target, "headerx...");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* A "t" of the other direction sets both timers: that of wrap would be the first. */
static atomic_int calls;

CODEC_FN(counts)
{
    UNUSED;
    if (ssp_timer_fired(io)) {
        atomic_fetch_add(&calls, 1);
        ssp_put(io, "!", 1);
    }
    return pass(io);
}

CODEC_FN(sets_other)
{
    UNUSED;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (ssp_timer_fired(io))
        ssp_put(io, "u", 1);
    if (n > 0 && *in == 't') {
        ssp_conn_timer(conn, SSP_WRAP, 1);
        ssp_conn_timer(conn, SSP_UNWRAP, SILENCE_MS);
    }
    return pass(io);
}

static const ssp_codec counting = CODEC("count", counts, sets_other);

/* Sends until the socket takes no more. */
static size_t fill(int fd)
{
    static const char chunk[CHUNK];
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    size_t sent = 0;
    while (poll(&p, 1, SHORT_MS) == 1) {
        ssize_t n = send(fd, chunk, sizeof chunk, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
    }
    return sent;
}

static void a_timer_waits_until_the_receiver_takes_what_there_is(void **state)
{
    static char chunk[CHUNK];
    (void)state;
    struct rig r;
    rig_open(&r, &counting, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port), small = SNDBUF;
    (void)setsockopt(client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    size_t left = fill(client) + 1, marks = 0;
    send_text(target, "t");
    expect_text(client, "tu");
    assert_int_equal(atomic_load(&calls), 0);
    for (size_t got = 0; got < left + 1;) {
        ssize_t n = recv(target, chunk, sizeof chunk, 0);
        assert_true(n > 0);
        got += (size_t)n;
        for (ssize_t i = 0; i < n; i++)
            marks += chunk[i] == '!';
    }
    assert_int_equal(marks, 1);
    assert_int_equal(atomic_load(&calls), 1);
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* ---- the idle limit ---- */

static void pings_that_are_sent_keep_no_session_alive(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &pinging, SSP_DIALED);
    r.service.limits.idle_ms = SHORT_MS;
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    char byte;
    ssize_t n;
    while ((n = recv(target, &byte, 1, 0)) == 1)
        ;
    assert_true(n == 0 || errno == ECONNRESET);
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

CODEC_FN(drops_dots)
{
    UNUSED;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (*in == '.')
        ssp_skip(io, 1);
    else
        ssp_pass(io, 1);
    return SSP_OK;
}

static const ssp_codec dropping = CODEC("drop", codec_clear, drops_dots);

static void pings_that_are_dropped_keep_no_session_alive(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &dropping, SSP_ACCEPTED);
    r.service.limits.idle_ms = SHORT_MS;
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    expect_text(target, "x");
    struct pollfd p = {.fd = target, .events = POLLIN};
    int rc = 0;
    for (int i = 0; i < WAIT_MS / SILENCE_MS && rc == 0; i++) {
        (void)send(client, ".", 1, MSG_NOSIGNAL);
        rc = poll(&p, 1, SILENCE_MS);
    }
    assert_int_equal(rc, 1);
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* ---- the end ---- */

static void an_engine_may_end_before_its_timers(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &pinging, SSP_DIALED);
    rig_start(&r);
    int client[3], target[3];
    for (int i = 0; i < 3; i++) {
        client[i] = connect_to(r.port);
        send_text(client[i], "x");
        target[i] = accept_from(r.target_fd);
        expect_text(target[i], "x.");
    }
    reset(client[0]);
    expect_text(target[1], ".");
    rig_stop(&r); /* two live still */
    rig_release(&r);
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            (void)close(client[i]);
        (void)close(target[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_direction_speaks_without_input),
        cmocka_unit_test(a_direction_that_has_ended_is_silent_and_the_other_goes_on),
        cmocka_unit_test(a_delayed_flush_loses_nothing),
        cmocka_unit_test(a_timer_fires_before_the_target_is_known),
        cmocka_unit_test(a_timer_waits_for_the_target),
        cmocka_unit_test(a_held_direction_waits_and_the_other_does_not),
        cmocka_unit_test(a_timer_waits_until_the_receiver_takes_what_there_is),
        cmocka_unit_test(pings_that_are_sent_keep_no_session_alive),
        cmocka_unit_test(pings_that_are_dropped_keep_no_session_alive),
        cmocka_unit_test(an_engine_may_end_before_its_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
