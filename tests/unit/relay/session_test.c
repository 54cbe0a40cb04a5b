/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that stand: both directions, their ends, and bulk. */
#include "codec_fn.h"
#include "session_rig.h"

#include "relay/session.h"

#include "within.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- codecs ---- */

CODEC_FN(invert)
{
    UNUSED;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    uint8_t *out = ssp_room(io, len < 4096 ? len : 4096);
    if (len == 0)
        return SSP_MORE;
    if (out == NULL)
        return SSP_OK;
    len = len < 4096 ? len : 4096;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)~in[i];
    ssp_used(io, len);
    ssp_skip(io, len);
    return SSP_OK;
}

static const ssp_codec invert_codec = CODEC("invert", invert, invert);

/* ---- the theorems ---- */

static void both_directions_carry_bytes_and_end_one_by_one(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &invert_codec, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "\x0f\x0f");
    int target = accept_from(r.target_fd);
    expect_text(target, "\xf0\xf0");
    (void)shutdown(client, SHUT_WR);
    expect_end(target);
    send_text(target, "\xfe"); /* long after the client's end */
    expect_text(client, "\x01");
    (void)close(target);
    expect_end(client);
    (void)close(client);
    rig_close(&r);
}

static void a_source_that_resets_is_a_reset_behind_its_last_byte(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "last words");
    int target = accept_from(r.target_fd);
    expect_text(target, "last");
    reset(client);
    expect_text(target, " words");
    expect_reset(target);
    (void)close(target);
    rig_close(&r);
}

static void a_receiver_that_resets_is_a_reset_for_the_source(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    expect_text(target, "x");
    send_text(target, "answer");
    expect_text(client, "answer");
    reset(target);
    expect_reset(client);
    (void)close(client);
    rig_close(&r);
}

/* The kernel tells the engine only when it has written in vain. */
static void a_source_that_talks_to_nobody_is_reset(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    expect_text(target, "x");
    send_text(target, "answer");
    (void)close(target);
    expect_text(client, "answer");
    expect_end(client);
    errno = 0;
    for (int i = 0; i < WAIT_MS / 10 && send(client, "y", 1, MSG_NOSIGNAL) == 1; i++)
        (void)poll(NULL, 0, 10);
    assert_true(errno == ECONNRESET || errno == EPIPE);
    (void)close(client);
    rig_close(&r);
}

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void an_idle_session_lives_its_whole_time(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    r.eager = true;
    r.service.limits.idle_ms = 2 * SHORT_MS;
    rig_start(&r);
    int64_t begin = now_ms();
    int client = connect_to(r.port), target = accept_from(r.target_fd);
    expect_end(client);
    expect_end(target);
    assert_true(now_ms() - begin >= 2 * SHORT_MS);
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

static void a_codec_that_fails_delivers_the_good_bytes_then_a_reset(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &bang_codec, SSP_ACCEPTED);
    r.service.limits.greet_ms = SHORT_MS;
    rig_prepare(&r);
    int client = connect_to(r.port);
    send_text(client, "good!bad"); /* before the deadline begins */
    rig_run(&r);
    int target = accept_from(r.target_fd);
    expect_text(target, "good");
    expect_reset(target);
    /* The wire side is not told: it is read and forgotten until the deadline, then a FIN. */
    send_text(client, "more");
    expect_end(client);
    (void)close(client);
    (void)close(target);
    rig_close(&r);
}

/* ---- bulk ---- */

enum { CHUNK = 65536, BYTES = 24 << 20, FLOOD = 256 << 20 };

struct pour {
    int fd;
    size_t bytes;
};

static void *pour(void *arg)
{
    struct pour *p = arg;
    uint8_t chunk[CHUNK];
    for (size_t done = 0; done < p->bytes;) {
        for (size_t i = 0; i < CHUNK; i++)
            chunk[i] = (uint8_t)((done + i) * 2654435761U >> 13);
        size_t n = p->bytes - done < CHUNK ? p->bytes - done : CHUNK;
        ssize_t sent = send(p->fd, chunk, n, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        done += (size_t)sent;
    }
    (void)shutdown(p->fd, SHUT_WR);
    return NULL;
}

/* Reads to the end and checks every byte; mask is what the codec did to it. */
static size_t drain(int fd, uint8_t mask)
{
    uint8_t chunk[CHUNK];
    size_t total = 0;
    ssize_t n;
    while ((n = recv(fd, chunk, CHUNK, 0)) > 0) {
        for (ssize_t i = 0; i < n; i++, total++)
            assert_int_equal(chunk[i], (uint8_t)(total * 2654435761U >> 13) ^ mask);
    }
    assert_int_equal(n, 0);
    return total;
}

static void pour_through(const ssp_codec *codec, uint8_t mask)
{
    struct rig r;
    pthread_t up, down;
    rig_open(&r, codec, SSP_DIALED);
    r.eager = true;
    rig_start(&r);
    int client = connect_to(r.port), target = accept_from(r.target_fd);
    struct pour a = {client, BYTES}, b = {target, BYTES};
    assert_int_equal(pthread_create(&up, NULL, pour, &a), 0);
    assert_int_equal(drain(target, mask), BYTES);
    assert_int_equal(pthread_create(&down, NULL, pour, &b), 0);
    assert_int_equal(drain(client, mask), BYTES);
    (void)pthread_join(up, NULL);
    (void)pthread_join(down, NULL);
    (void)close(client);
    (void)close(target);
    rig_close(&r);
}

static void bulk_through_a_clear_direction_is_whole(void **state)
{
    (void)state;
    pour_through(&clear_codec, 0); /* spliced */
}

static void bulk_through_a_codec_is_whole(void **state)
{
    (void)state;
    pour_through(&invert_codec, 0xff);
}

/* Bytes that the target does not read must be held back at the client. */
static void a_receiver_that_does_not_read_stops_the_source(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &invert_codec, SSP_DIALED);
    r.eager = true;
    r.service.dialed.sndbuf = 65536;
    rig_start(&r);
    int client = connect_to(r.port), target = accept_from(r.target_fd);
    const uint8_t chunk[CHUNK] = {0};
    size_t sent = 0;
    struct pollfd p = {.fd = client, .events = POLLOUT};
    while (sent < FLOOD && poll(&p, 1, SHORT_MS) == 1) {
        ssize_t n = send(client, chunk, CHUNK, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(n > 0 || errno == EAGAIN);
        sent += n > 0 ? (size_t)n : 0;
    }
    assert_within(sent, 1, FLOOD - 1);
    (void)close(client);
    (void)close(target);
    rig_close(&r);
}

static void an_idle_session_stays_small(void **state)
{
    (void)state;
    struct ssp__service service = {.codec = &clear_codec};
    assert_within(ssp__session_size(&service), 512, 1104);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_carry_bytes_and_end_one_by_one),
        cmocka_unit_test(a_source_that_resets_is_a_reset_behind_its_last_byte),
        cmocka_unit_test(a_receiver_that_resets_is_a_reset_for_the_source),
        cmocka_unit_test(a_source_that_talks_to_nobody_is_reset),
        cmocka_unit_test(an_idle_session_lives_its_whole_time),
        cmocka_unit_test(a_codec_that_fails_delivers_the_good_bytes_then_a_reset),
        cmocka_unit_test(bulk_through_a_clear_direction_is_whole),
        cmocka_unit_test(bulk_through_a_codec_is_whole),
        cmocka_unit_test(a_receiver_that_does_not_read_stops_the_source),
        cmocka_unit_test(an_idle_session_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
