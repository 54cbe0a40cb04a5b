/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting of a session: for its target, for more input, for the other direction, for a receiver
 * that is slow. */
#include "session_rig.h"

#include "codec_fn.h"
#include "relay/session_impl.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 65536, SNDBUF = 65536 };

/* ---- for its target ---- */

enum { LINE_MAX_BYTES = 256 };

static void keep_line(void *arg, ssp_log_level level, const char *text)
{
    (void)level;
    (void)snprintf(arg, LINE_MAX_BYTES, "%s", text);
}

static void a_target_that_does_not_answer_is_named(void **state)
{
    char line[LINE_MAX_BYTES] = "", expected[LINE_MAX_BYTES];
    int clog[CLOGS];
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    r.service.limits.dial_ms = SHORT_MS;
    assert_int_equal(listen(r.target_fd, 0), 0);
    clog_up(&r.endpoint, clog);
    ssp_log_redirect(keep_line, line);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    expect_reset(client);
    (void)close(client);
    rig_close(&r);
    ssp_log_redirect(NULL, NULL);
    (void)snprintf(expected, sizeof expected, "test: dial 127.0.0.1:%u: timed out",
                   (unsigned)r.endpoint.port);
    assert_string_equal(line, expected);
    unclog(clog);
}

/* ---- for more input ---- */

enum { FLIGHT = 200 * 1024 };

CODEC_FN(after_flight)
{
    UNUSED;
    size_t len;
    (void)ssp_in(io, &len);
    if (len < FLIGHT) {
        ssp_need(io, FLIGHT);
        return SSP_MORE;
    }
    ssp_skip(io, FLIGHT);
    return SSP_CLEAR;
}

static const ssp_codec flight_codec = CODEC("flight", codec_clear, after_flight);

static void a_first_flight_may_fill_the_window(void **state)
{
    uint8_t *flight = calloc(1, FLIGHT);
    (void)state;
    struct rig r;
    rig_open(&r, &flight_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    for (size_t done = 0; done < FLIGHT; done += FLIGHT / 8)
        assert_int_equal(send(client, flight + done, FLIGHT / 8, MSG_NOSIGNAL), FLIGHT / 8);
    send_text(client, "there");
    int target = accept_from(r.target_fd);
    expect_text(target, "there");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
    free(flight);
}

/* A splice would stop there, and the loop never would.  That byte is not part of the stream. */
static void urgent_data_holds_nothing_up(void **state)
{
    enum { ROUNDS = 8, HALF = 4 * CHUNK };
    uint8_t *half = calloc(1, HALF);
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    r.eager = true;
    rig_start(&r);
    int client = connect_to(r.port), target = accept_from(r.target_fd);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(send(client, half, HALF, MSG_NOSIGNAL), HALF);
        assert_int_equal(send(client, "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
        assert_int_equal(send(client, half, HALF, MSG_NOSIGNAL), HALF);
        for (int part = 0; part < 2; part++)
            assert_int_equal(recv(target, half, HALF, MSG_WAITALL), HALF);
    }
    (void)close(target);
    (void)close(client);
    rig_close(&r);
    free(half);
}

/* ---- for the other direction ---- */

enum { SWELL = 32 * 1024, SWELLS = 1024 };

/* Each byte becomes many; '.' is what the other direction has been waiting for. */
CODEC_FN(swell)
{
    bool *heard = state;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    (void)conn;
    if (len == 0)
        return SSP_MORE;
    uint8_t *out = ssp_room(io, SWELL);
    if (out == NULL)
        return SSP_OK;
    *heard = *heard || *in == '.';
    memset(out, *in, SWELL);
    ssp_used(io, SWELL);
    ssp_skip(io, 1);
    return SSP_OK;
}

CODEC_FN(wait_for_it)
{
    const bool *heard = state;
    (void)conn;
    if (*heard)
        return SSP_CLEAR;
    ssp_wait(io);
    return SSP_MORE;
}

static const ssp_codec swelling_codec = {.size = sizeof(ssp_codec),
                                         .name = "swelling",
                                         .state_size = sizeof(bool),
                                         .min_room = SWELL,
                                         .wrap = wait_for_it,
                                         .unwrap = swell};

/* The '.' is read at once, but shown to the codec only when the client has taken what is before. */
static void a_direction_that_was_held_back_still_teaches_the_other_one(void **state)
{
    char flight[SWELLS];
    uint8_t *chunk = malloc(CHUNK);
    (void)state;
    memset(flight, 'x', sizeof flight - 1);
    flight[sizeof flight - 1] = '.';
    struct rig r;
    rig_open(&r, &swelling_codec, SSP_DIALED);
    r.eager = true;
    r.service.accepted.sndbuf = SNDBUF;
    rig_start(&r);
    int client = connect_to(r.port), target = accept_from(r.target_fd);
    send_text(client, "hello");
    assert_int_equal(send(target, flight, sizeof flight, MSG_NOSIGNAL), sizeof flight);
    for (size_t left = (size_t)SWELL * SWELLS; left > 0;) {
        ssize_t n = recv(client, chunk, left < CHUNK ? left : CHUNK, 0);
        assert_true(n > 0);
        left -= (size_t)n;
    }
    expect_text(target, "hello");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
    free(chunk);
}

/* ---- for a receiver that is slow ---- */

/* A session whose loop the test turns itself. */
struct turned {
    struct rig rig;
    struct ssp__session *session;
    int client, target;
};

static void turn(struct turned *t)
{
    assert_int_equal(ssp_loop_turn(t->rig.program.loop, 10), 0);
}

/* The target sends until the session holds bytes for a client that does not read. */
static void hold_bytes(struct turned *t, const ssp_codec *codec)
{
    static const uint8_t chunk[CHUNK];
    struct rig *r = &t->rig;
    rig_open(r, codec, SSP_DIALED);
    r->eager = true;
    r->service.accepted.sndbuf = SNDBUF;
    rig_prepare(r);
    t->client = connect_to(r->port);
    struct pollfd knock = {.fd = r->target_fd, .events = POLLIN};
    while (poll(&knock, 1, 0) == 0)
        turn(t);
    t->target = accept_from(r->target_fd);
    t->session = r->relay.sessions;
    while (ssp__direction_flushed(&t->session->dir[SSP_DIALED])) {
        (void)send(t->target, chunk, sizeof chunk, MSG_DONTWAIT | MSG_NOSIGNAL);
        turn(t);
    }
}

static void release(struct turned *t)
{
    (void)close(t->target);
    (void)close(t->client);
    rig_release(&t->rig);
}

static void an_idle_session_that_holds_bytes_ends_with_a_reset(void **state)
{
    static const ssp_codec *const codecs[] = {&clear_codec, &swelling_codec};
    static char chunk[CHUNK];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct turned t;
        ssize_t n = 1;
        hold_bytes(&t, codecs[i]);
        t.session->active_ms = 0; /* long ago */
        ssp__timer_start(t.rig.program.loop, &t.session->timer, 0);
        while (t.rig.relay.live > 0)
            turn(&t);
        while (n > 0)
            n = recv(t.client, chunk, sizeof chunk, 0);
        assert_int_equal(n, -1);
        assert_int_equal(errno, ECONNRESET);
        release(&t);
    }
}

static void a_receiver_that_takes_its_time_is_no_silence(void **state)
{
    static char chunk[CHUNK];
    (void)state;
    struct turned t;
    hold_bytes(&t, &swelling_codec);
    const struct ssp__bytes *held = &t.session->dir[SSP_DIALED].pump.out;
    t.session->active_ms = 0;
    for (size_t before = ssp__bytes_len(held); ssp__bytes_len(held) == before;) {
        assert_true(recv(t.client, chunk, sizeof chunk, 0) > 0);
        turn(&t);
    }
    assert_true(t.session->active_ms > 0);
    release(&t);
}

CODEC_FN(copy)
{
    UNUSED;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    uint8_t *out = ssp_room(io, len);
    if (len == 0 || out == NULL)
        return len == 0 ? SSP_MORE : SSP_OK;
    memcpy(out, in, len);
    ssp_used(io, len);
    ssp_skip(io, len);
    return SSP_OK;
}

static const ssp_codec copy_codec = {.size = sizeof(ssp_codec),
                                     .name = "copy",
                                     .min_room = SSP_WINDOW,
                                     .wrap = copy,
                                     .unwrap = copy};

/* The target always has more than a window. */
static void a_receiver_that_is_slow_leaves_little_to_hold(void **state)
{
    enum { ENOUGH = 32 * CHUNK, LITTLE = CHUNK };
    static char chunk[CHUNK];
    (void)state;
    struct turned t;
    hold_bytes(&t, &copy_codec);
    const struct ssp__bytes *held = &t.session->dir[SSP_DIALED].pump.out;
    size_t most = 0;
    for (size_t taken = 0; taken < ENOUGH;) {
        while (send(t.target, chunk, sizeof chunk, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            continue;
        ssize_t n = recv(t.client, chunk, sizeof chunk, MSG_DONTWAIT);
        taken += n > 0 ? (size_t)n : 0;
        turn(&t);
        if (ssp__bytes_len(held) > most)
            most = ssp__bytes_len(held);
    }
    assert_in_range(most, 1, LITTLE);
    release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_does_not_answer_is_named),
        cmocka_unit_test(a_first_flight_may_fill_the_window),
        cmocka_unit_test(urgent_data_holds_nothing_up),
        cmocka_unit_test(a_direction_that_was_held_back_still_teaches_the_other_one),
        cmocka_unit_test(an_idle_session_that_holds_bytes_ends_with_a_reset),
        cmocka_unit_test(a_receiver_that_takes_its_time_is_no_silence),
        cmocka_unit_test(a_receiver_that_is_slow_leaves_little_to_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
