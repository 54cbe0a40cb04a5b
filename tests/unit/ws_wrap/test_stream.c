/* SPDX-License-Identifier: Apache-2.0 */
#include "end.h"

#include "ws-wrap/mask.h"

enum { SECOND = 1000 };

static const uint8_t close_of_server[] = {0x88, 2, 0x03, 0xe8};

static int next(struct end *end)
{
    const uint8_t *payload;
    size_t len;
    return end_hears(end, &payload, &len);
}

/* Takes what waits, as a wire would: a timer fires behind the output only. */
static void sent(struct end *end)
{
    size_t n;
    (void)ssp_drive_output(end->drive, SSP_WRAP, &n);
    ssp_drive_take(end->drive, SSP_WRAP, n);
    end->wired = 0;
}

static void the_mask_is_put_on_and_off_at_any_place(void **state)
{
    (void)state;
    const uint8_t key[WS_KEY_LEN] = {1, 2, 4, 8};
    uint8_t plain[200], wire[200];
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof plain; n++) {
        for (size_t cut = 0; cut <= n; cut += 3) {
            uint8_t turned[WS_KEY_LEN] = {1, 2, 4, 8};
            ws_mask(wire, plain, cut, turned);
            ws_mask_turn(turned, cut);
            ws_mask(wire + cut, plain + cut, n - cut, turned);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(wire[i], plain[i] ^ key[i % 4]);
        }
    }
}

static void the_end_waits_for_the_answer(ssp_role role, unsigned silence_ms)
{
    struct end end;
    uint8_t wire[64];
    struct said part = {.opcode = BINARY, .payload = "answer", .len = 6};
    end_open(&end, role, NULL);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_MORE);
    assert_int_equal(next(&end), -1);
    ssp_drive_advance(end.drive, silence_ms - 1);
    assert_int_equal(end_feed(&end, wire, end_frame(&end, &part, wire), 0), SSP_MORE);
    ssp_drive_advance(end.drive, silence_ms - 1);
    assert_int_equal(next(&end), -1);
    ssp_drive_advance(end.drive, silence_ms + 1);
    assert_int_equal(next(&end), CLOSE);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_MORE);
    sent(&end);
    ssp_drive_advance(end.drive, SECOND);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_END);
    assert_int_equal(next(&end), -1);
    end_close(&end);
}

/* A peer such as v2ray-plugin takes a Close frame for the end of both directions. */
static void the_end_is_held_back_from_a_peer_without_half_close(void **state)
{
    (void)state;
    the_end_waits_for_the_answer(SSP_SERVER, SECOND);
    the_end_waits_for_the_answer(SSP_CLIENT, 10 * SECOND);
}

static void the_end_follows_that_of_the_peer(void **state)
{
    (void)state;
    struct end end;
    end_open(&end, SSP_CLIENT, NULL);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_MORE);
    assert_int_equal(end_feed(&end, close_of_server, sizeof close_of_server, 0), SSP_END);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_END);
    assert_int_equal(next(&end), CLOSE);
    end_close(&end);
}

/* As with Outline, and between ends of this plugin.  TCP stays whole: a proxy would end by its end.
 */
static void a_close_frame_ends_one_direction(void **state)
{
    (void)state;
    struct end end;
    uint8_t wire[64];
    struct said part = {.opcode = BINARY, .payload = "answer", .len = 6};
    size_t n;
    end_open(&end, SSP_CLIENT, "half-close=yes");
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_MORE);
    assert_int_equal(next(&end), CLOSE);
    sent(&end);
    ssp_drive_advance(end.drive, 60 * SECOND);
    assert_int_equal(end_feed(&end, wire, end_frame(&end, &part, wire), 0), SSP_MORE);
    (void)end_plain(&end, &n);
    assert_int_equal(n, 6);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_MORE);
    assert_int_equal(end_feed(&end, close_of_server, sizeof close_of_server, 0), SSP_END);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_END);
    end_close(&end);

    end_open(&end, SSP_CLIENT, NULL);
    assert_int_equal(end_feed(&end, close_of_server, sizeof close_of_server, 0), SSP_END);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "more", 4, 0), SSP_MORE);
    assert_int_equal(next(&end), BINARY);
    end_close(&end);
}

/* RFC 6455, 5.5.1. */
static void nothing_is_said_behind_a_close_frame(void **state)
{
    (void)state;
    static const uint8_t ping[] = {0x89, 0}, wrong[] = {0x8f, 0};
    struct end end;
    end_open(&end, SSP_CLIENT, "half-close=yes");
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "", 0, 1), SSP_MORE);
    assert_int_equal(next(&end), CLOSE);
    assert_int_equal(end_feed(&end, ping, sizeof ping, 0), SSP_MORE);
    assert_int_equal(next(&end), -1);
    assert_int_equal(end_feed(&end, wrong, sizeof wrong, 0), SSP_FAIL);
    assert_int_equal(next(&end), -1);
    end_close(&end);
}

static void silence_is_filled_with_pings(void **state)
{
    (void)state;
    struct end end;
    end_open(&end, SSP_SERVER, "ping=30");
    for (int i = 0; i < 3; i++) {
        ssp_drive_advance(end.drive, 29 * SECOND);
        assert_int_equal(next(&end), -1);
        ssp_drive_advance(end.drive, 1 * SECOND);
        assert_int_equal(next(&end), PING);
        assert_int_equal(next(&end), -1);
        sent(&end);
    }
    ssp_drive_advance(end.drive, 29 * SECOND);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, "x", 1, 0), SSP_MORE);
    assert_int_equal(next(&end), BINARY);
    sent(&end);
    ssp_drive_advance(end.drive, 29 * SECOND);
    assert_int_equal(next(&end), -1);
    end_close(&end);
}

static void what_is_not_said_is_no_end(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0x82, 1, 'x'};
    for (size_t n = 0; n <= sizeof frame; n++) {
        struct end end;
        end_open(&end, SSP_CLIENT, NULL);
        assert_int_equal(ssp_drive_feed(end.drive, SSP_UNWRAP, frame, n, 1), SSP_FAIL);
        end_close(&end);
    }
}

static void expect_of_stream(const struct said *said, size_t cut, ssp_verdict expected)
{
    struct end end;
    uint8_t wire[64];
    end_open(&end, SSP_SERVER, NULL);
    size_t n = end_frame(&end, said, wire);
    ssp_verdict verdict = end_feed(&end, wire, cut, 0);
    if (verdict != SSP_FAIL)
        verdict = end_feed(&end, wire + cut, n - cut, 0);
    assert_int_equal(verdict, expected);
    if (verdict == SSP_FAIL)
        assert_non_null(strstr(ssp_drive_why(end.drive), "the client needs mux=0"));
    end_close(&end);
}

/* The first frame of v2ray-plugin's client, and of one that has nothing to send yet, in two pieces
 * cut at each place. */
static void a_multiplexed_stream_is_refused(void **state)
{
    enum { HEAD = 6 };
    static const char first[] = "\0\x0c\0\1\1\1\1\0\0\1\x7f\0\0\1\0\5hello";
    static const char empty[] = "\0\x0c\0\0\1\0\1\0\0\1\x7f\0\0\1";
    static const char name[] = "\0\x14\0\1\1\0\1\2\x9a\2\x0bv1.mux.cool";
    static const char salt[] = "\0\x0c\0\1\2\1\1\0\0\1\x7f\0\0\1";
    const struct {
        const char *text;
        size_t len;
        ssp_verdict verdict;
    } streams[] = {{first, sizeof first - 1, SSP_FAIL},
                   {empty, sizeof empty - 1, SSP_FAIL},
                   {name, sizeof name - 1, SSP_FAIL},
                   {salt, sizeof salt - 1, SSP_MORE}};
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct said said = {.opcode = BINARY, .payload = streams[i].text, .len = streams[i].len};
        for (size_t cut = 0; cut <= HEAD + streams[i].len; cut++)
            expect_of_stream(&said, cut, streams[i].verdict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mask_is_put_on_and_off_at_any_place),
        cmocka_unit_test(the_end_is_held_back_from_a_peer_without_half_close),
        cmocka_unit_test(the_end_follows_that_of_the_peer),
        cmocka_unit_test(a_close_frame_ends_one_direction),
        cmocka_unit_test(nothing_is_said_behind_a_close_frame),
        cmocka_unit_test(silence_is_filled_with_pings),
        cmocka_unit_test(what_is_not_said_is_no_end),
        cmocka_unit_test(a_multiplexed_stream_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
