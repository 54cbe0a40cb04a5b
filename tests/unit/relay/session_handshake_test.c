/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions before they stand: who is dialed, who is sent elsewhere, who is read and forgotten. */
#include "session_rig.h"

#include <sys/socket.h>
#include <unistd.h>

static void a_codec_that_fails_at_the_start_is_absorbed_without_a_dial(void **state)
{
    (void)state;
    expect_absorbed(&bang_codec, "!nothing of this arrives");
}

/* More than the kernel holds for two sockets. */
/* It moves, but slowly, whatever the peer sends. */
static void what_follows_a_failure_is_dropped_at_a_bounded_rate(void **state)
{
    enum { CHUNK = 65536, CHUNKS = 512, MORE = 8, RECEIVE_BUFFER = 65536 };
    static const uint8_t chunk[CHUNK];
    static const ssp_codec *const codecs[] = {&bang_codec, &greeting_codec}; /* FAIL, FOREIGN */
    (void)state;
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        struct rig r;
        rig_open(&r, codecs[c], SSP_ACCEPTED);
        r.service.accepted.rcvbuf = RECEIVE_BUFFER;
        rig_start(&r);
        int client = connect_to(r.port), sent = 0;
        send_text(client, "!");
        while (sent < CHUNKS && send(client, chunk, CHUNK, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            sent++;
        assert_in_range(sent, 0, CHUNKS - 1);
        for (int i = 0; i < MORE; i++)
            assert_int_equal(send(client, chunk, CHUNK, MSG_NOSIGNAL), CHUNK);
        expect_nobody(r.target_fd);
        (void)close(client);
        rig_close(&r);
    }
}

static void silence_ends_as_absorption_does(void **state)
{
    (void)state;
    expect_absorbed(&bang_codec, "");
}

static void foreign_input_without_a_fallback_is_drained(void **state)
{
    (void)state;
    expect_absorbed(&greeting_codec, "http");
}

static void foreign_input_goes_whole_to_the_fallback(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &greeting_codec, SSP_ACCEPTED);
    int web = rig_fallback(&r);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "h");
    send_text(client, "ttp");
    int server = accept_from(web);
    expect_text(server, "http");
    send_text(server, "page");
    expect_text(client, "page");
    (void)close(server);
    expect_end(client);
    (void)close(client);
    (void)close(web);
    rig_close(&r);
}

static void a_reply_goes_back_before_the_dial(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &greeting_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "hithere");
    expect_text(client, "ho");
    int target = accept_from(r.target_fd);
    expect_text(target, "there");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

static void a_target_with_a_name_is_dialed_once_it_is_known(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    assert_int_equal(ssp__endpoint_set(&r.endpoint, "localhost", r.endpoint.port), 0);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "early");
    int target = accept_from(r.target_fd);
    expect_text(target, "early");
    send_text(target, "answer");
    expect_text(client, "answer");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

static void a_refused_dial_is_a_reset(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    (void)close(r.target_fd);
    r.target_fd = refuse_loopback(&r.endpoint);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    expect_reset(client);
    (void)close(client);
    rig_stop(&r);
    assert_int_equal(r.relay.live, 0);
    rig_release(&r);
}

static void a_client_that_says_nothing_causes_no_dial(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    rig_start(&r);
    int client = connect_to(r.port);
    (void)shutdown(client, SHUT_WR);
    expect_end(client);
    expect_nobody(r.target_fd);
    (void)close(client);
    rig_close(&r);
}

static void an_eager_service_dials_at_once(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    r.eager = true;
    rig_start(&r);
    int client = connect_to(r.port);
    int target = accept_from(r.target_fd);
    send_text(target, "banner");
    expect_text(client, "banner");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_codec_that_fails_at_the_start_is_absorbed_without_a_dial),
        cmocka_unit_test(what_follows_a_failure_is_dropped_at_a_bounded_rate),
        cmocka_unit_test(silence_ends_as_absorption_does),
        cmocka_unit_test(foreign_input_without_a_fallback_is_drained),
        cmocka_unit_test(foreign_input_goes_whole_to_the_fallback),
        cmocka_unit_test(a_reply_goes_back_before_the_dial),
        cmocka_unit_test(a_target_with_a_name_is_dialed_once_it_is_known),
        cmocka_unit_test(a_refused_dial_is_a_reset),
        cmocka_unit_test(a_client_that_says_nothing_causes_no_dial),
        cmocka_unit_test(an_eager_service_dials_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
