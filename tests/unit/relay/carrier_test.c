/* SPDX-License-Identifier: Apache-2.0 */
/* Several streams behind one accepted side: frames of text, each a letter, the stream's digit and,
 * of data, its length as a digit: "o1" opens, "d15hello" says, "e1" ends, "f1" is the end of a
 * stream that has failed. */
#include "session_rig.h"

#include "base/proxy_header.h"
#include "codec_fn.h"

#include <ssplugin/carrier.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 3, STREAMS = 4, CHUNK = 9 };

/* ---- the carrier ---- */

struct toy {
    uint8_t stream, left;
};

static ssp_carried look(const uint8_t *bytes, size_t n)
{
    if (bytes[0] != 'o')
        return SSP_CARRIES_ONE;
    return n < 2 ? SSP_CARRIES_UNKNOWN : SSP_CARRIES_SEVERAL;
}

static ptrdiff_t read_data(struct toy *toy, const uint8_t *bytes, size_t n, ssp_carrier_event *e)
{
    e->event = SSP_STREAM_SAYS;
    e->stream = toy->stream;
    e->data = bytes;
    e->n = n < toy->left ? n : toy->left;
    toy->left = (uint8_t)(toy->left - e->n);
    return (ptrdiff_t)e->n;
}

static ptrdiff_t read_event(void *state, const uint8_t *bytes, size_t n, ssp_carrier_event *e,
                            const char **why)
{
    struct toy *toy = state;
    if (toy->left > 0)
        return read_data(toy, bytes, n, e);
    if (n < 2 || (bytes[0] == 'd' && n < HEAD))
        return 0;
    e->stream = bytes[1];
    if (bytes[0] == 'd') {
        toy->stream = bytes[1];
        toy->left = (uint8_t)(bytes[2] - '0');
        return HEAD;
    }
    e->event = bytes[0] == 'o'   ? SSP_STREAM_OPENS
               : bytes[0] == 'u' ? SSP_STREAM_REFUSED
               : bytes[0] == 'e' ? SSP_STREAM_ENDS
                                 : SSP_STREAM_NONE;
    *why = "no frame";
    return e->event == SSP_STREAM_NONE ? -1 : 2;
}

static size_t write_head(void *state, const ssp_carrier_event *e,
                         uint8_t head[SSP_CARRIER_HEAD_MAX])
{
    (void)state;
    head[0] = e->event == SSP_STREAM_SAYS ? 'd' : e->event == SSP_STREAM_ENDS ? 'e' : 'f';
    head[1] = (uint8_t)e->stream;
    head[2] = (uint8_t)('0' + e->n);
    return e->event == SSP_STREAM_SAYS ? HEAD : 2;
}

static const ssp_carrier toy_carrier = {.size = sizeof(ssp_carrier),
                                        .streams = STREAMS,
                                        .state_size = sizeof(struct toy),
                                        .head_size = HEAD,
                                        .data_max = CHUNK,
                                        .look = look,
                                        .read = read_event,
                                        .write = write_head};

static void open_rig(struct rig *r, const ssp_codec *codec)
{
    rig_open(r, codec, SSP_ACCEPTED);
    r->service.carrier = &toy_carrier;
}

static void start_rig(struct rig *r)
{
    open_rig(r, &clear_codec);
    rig_start(r);
}

/* ---- an allocator that fails once ---- */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): of the one allocator */
static unsigned failing; /* the allocation from now on that fails; 0: none */

void *__wrap_calloc(size_t n, size_t size)
{
    return failing > 0 && --failing == 0 ? NULL : __real_calloc(n, size);
}

/* ---- the tests ---- */

static void each_stream_has_a_target(void **state)
{
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port);
    send_text(client, "o1d13one");
    int one = accept_from(r.target_fd);
    expect_text(one, "one");
    send_text(client, "o2d23two");
    int two = accept_from(r.target_fd);
    expect_text(two, "two");
    send_text(two, "2nd");
    expect_text(client, "d232nd");
    send_text(one, "1st");
    expect_text(client, "d131st");
    (void)close(one);
    (void)close(two);
    (void)close(client);
    rig_close(&r);
}

static void frames_may_be_cut_anywhere(void **state)
{
    static const char said[] = "o1d15helloo2d25world";
    (void)state;
    struct rig r;
    start_rig(&r);
    for (size_t cut = 1; cut < sizeof said - 1; cut++) {
        int client = connect_to(r.port);
        assert_int_equal(send(client, said, cut, 0), cut);
        assert_int_equal(send(client, said + cut, sizeof said - 1 - cut, 0), sizeof said - 1 - cut);
        int one = accept_from(r.target_fd), two = accept_from(r.target_fd);
        expect_text(one, "hello");
        expect_text(two, "world");
        (void)close(one);
        (void)close(two);
        (void)close(client);
    }
    rig_close(&r);
}

/* The client's end of a stream is a FIN for the target, whose answer still arrives. */
static void the_answer_comes_behind_the_end(void **state)
{
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port);
    send_text(client, "o1d12hie1");
    int one = accept_from(r.target_fd);
    expect_text(one, "hi");
    expect_end(one);
    send_text(one, "ho");
    expect_text(client, "d12ho");
    (void)close(one);
    expect_text(client, "e1");
    send_text(client, "o1d13new"); /* the number is free again */
    one = accept_from(r.target_fd);
    expect_text(one, "new");
    (void)close(one);
    (void)close(client);
    rig_close(&r);
}

/* A client that has not ended may go on for as long as it is not silent. */
static void the_end_of_a_target_waits_for_the_client(void **state)
{
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port);
    send_text(client, "o1");
    int one = accept_from(r.target_fd);
    send_text(one, "bye");
    (void)shutdown(one, SHUT_WR);
    expect_text(client, "d13bye");
    send_text(client, "d14more");
    expect_text(one, "more");
    send_text(client, "e1");
    expect_text(client, "e1");
    expect_end(one);
    (void)close(one);
    send_text(client, "o2");
    one = accept_from(r.target_fd);
    (void)shutdown(one, SHUT_WR);
    expect_text(client, "e2"); /* after a second of silence */
    (void)close(one);
    (void)close(client);
    rig_close(&r);
}

static void a_second_end_gives_the_stream_up(void **state)
{
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port);
    send_text(client, "o1e1e1");
    int one = accept_from(r.target_fd);
    (void)close(one);
    send_text(client, "o1d12ok");
    one = accept_from(r.target_fd);
    expect_text(one, "ok");
    (void)close(one);
    (void)close(client);
    rig_close(&r);
}

/* The limit, what the carrier refuses, and a target that does not answer. */
static void a_stream_that_cannot_be_had_is_said_so(void **state)
{
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port), target[STREAMS];
    send_text(client, "o0o1o2o3");
    for (int i = 0; i < STREAMS; i++)
        target[i] = accept_from(r.target_fd);
    send_text(client, "o4d42no");
    expect_text(client, "f4");
    send_text(client, "u7");
    expect_text(client, "f7");
    for (int i = 0; i < STREAMS; i++)
        reset(target[i]);
    (void)close(client);
    rig_stop(&r);
    rig_release(&r);

    open_rig(&r, &clear_codec);
    int refusing = refuse_loopback(&r.endpoint);
    rig_start(&r);
    client = connect_to(r.port);
    send_text(client, "o1");
    expect_text(client, "f1");
    (void)close(client);
    (void)close(refusing);
    rig_close(&r);
}

static void a_reset_of_a_target_is_the_failure_of_its_stream(void **state)
{
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port);
    send_text(client, "o1o2");
    int one = accept_from(r.target_fd), two = accept_from(r.target_fd);
    reset(one);
    char got[3] = "";
    assert_int_equal(recv(client, got, 2, MSG_WAITALL), 2);
    assert_int_equal(got[0], 'f');
    send_text(two, "x");
    char said[5] = "";
    assert_int_equal(recv(client, said, 4, MSG_WAITALL), 4);
    assert_int_equal(said[0], 'd');
    assert_int_not_equal(said[1], got[1]);
    (void)close(two);
    (void)close(client);
    rig_close(&r);
}

/* Turns a loop that has no thread yet until a socket of the test has something to take. */
static void turn_until_readable(struct rig *r, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < WAIT_MS / SHORT_MS && poll(&p, 1, 0) != 1; i++)
        assert_int_equal(ssp_loop_turn(r->program.loop, SHORT_MS), 0);
    assert_int_equal(p.revents, POLLIN);
}

/* In one turn: the client speaks, and its target has answered and gone. */
static void what_a_target_said_before_its_reset_arrives(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, &clear_codec);
    rig_prepare(&r);
    int client = connect_to(r.port);
    send_text(client, "o1d12hi");
    turn_until_readable(&r, r.target_fd);
    int one = accept_from(r.target_fd);
    turn_until_readable(&r, one);
    expect_text(one, "hi");
    send_text(client, "d11xd11x");
    send_text(one, "late");
    reset(one);
    rig_run(&r);
    expect_text(client, "d14latef1");
    (void)close(client);
    rig_close(&r);
}

static void ends_of_the_client(void **state)
{
    static const struct {
        const char *said;
        bool clean;
    } rows[] = {{"o1d12hie1", true},
                {"o1d12hi", false},
                {"o1d12hix1", false},
                {"o1d12hid", false},
                {"o1d12hio1", false}};
    (void)state;
    struct rig r;
    start_rig(&r);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int client = connect_to(r.port);
        send_text(client, rows[i].said);
        (void)shutdown(client, SHUT_WR);
        int one = accept_from(r.target_fd);
        char got[8];
        ssize_t n;
        while ((n = recv(one, got, sizeof got, 0)) > 0)
            continue;
        assert_int_equal(n == 0, rows[i].clean);
        if (rows[i].clean) {
            send_text(one, "ho");
            (void)close(one);
            expect_text(client, "d12hoe1");
            expect_end(client);
        } else {
            (void)close(one);
        }
        (void)close(client);
    }
    rig_close(&r);
}

/* Sends frames of stream 1 until the engine does not take any more.  Returns the bytes of data. */
static size_t flood(int client)
{
    static const char frame[] = "d19123456789";
    char many[500 * (sizeof frame - 1)];
    size_t sent = 0, whole;
    for (size_t at = 0; at < sizeof many; at += sizeof frame - 1)
        memcpy(many + at, frame, sizeof frame - 1);
    struct pollfd p = {.fd = client, .events = POLLOUT};
    while (poll(&p, 1, SHORT_MS) == 1) {
        ssize_t n =
            send(client, many + sent % sizeof many, sizeof many - sent % sizeof many, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
    }
    for (whole = 0; sent % (sizeof frame - 1) != 0; sent++, whole++)
        assert_true(whole < sizeof frame);
    return sent / (sizeof frame - 1) * 9;
}

/* A target that takes nothing stops the connection, in bounded memory; what was said arrives. */
static void a_slow_target_stops_its_client(void **state)
{
    enum { SMALL = 4096 };
    (void)state;
    struct rig r;
    start_rig(&r);
    int small = SMALL, client = connect_to(r.port);
    (void)setsockopt(r.target_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    (void)setsockopt(client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    send_text(client, "o1");
    int one = accept_from(r.target_fd);
    size_t said = flood(client), got = 0;
    char data[4096];
    ssize_t n;
    const size_t unsaid = 36; /* of frames that were cut */
    while (got + unsaid < said && (n = recv(one, data, sizeof data, 0)) > 0)
        got += (size_t)n;
    assert_true(got + unsaid >= said);
    (void)close(one);
    (void)close(client);
    rig_close(&r);
}

/* Answers of all streams while their client does not read: each has its turn. */
static void streams_are_read_in_turn(void **state)
{
    enum { EACH = 400000 };
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port), target[3];
    static char bytes[EACH];
    send_text(client, "o0o1o2");
    for (int i = 0; i < 3; i++) {
        target[i] = accept_from(r.target_fd);
        assert_true(send(target[i], bytes, sizeof bytes, MSG_DONTWAIT) > 0);
    }
    size_t seen[3] = {0}, frames = 0;
    while (frames++ < 20000) {
        char head[HEAD], data[CHUNK];
        assert_int_equal(recv(client, head, HEAD, MSG_WAITALL), HEAD);
        assert_int_equal(head[0], 'd');
        size_t n = (size_t)(head[2] - '0');
        assert_int_equal(recv(client, data, n, MSG_WAITALL), n);
        seen[head[1] - '0'] += n;
    }
    for (int i = 0; i < 3; i++) {
        assert_true(seen[i] > 1000);
        (void)close(target[i]);
    }
    (void)close(client);
    rig_close(&r);
}

/* Too little to tell, for a moment: then it is a stream like any other. */
static void a_beginning_that_tells_nothing_is_one_stream(void **state)
{
    (void)state;
    struct rig r;
    start_rig(&r);
    int client = connect_to(r.port);
    send_text(client, "o");
    int one = accept_from(r.target_fd);
    expect_text(one, "o");
    send_text(client, "1");
    expect_text(one, "1");
    (void)close(client);
    expect_end(one);
    (void)close(one);
    client = connect_to(r.port);
    send_text(client, "o");
    (void)shutdown(client, SHUT_WR);
    one = accept_from(r.target_fd);
    expect_text(one, "o");
    expect_end(one);
    (void)close(one);
    (void)close(client);
    rig_close(&r);
}

static void a_codec_that_fails_resets_all(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, &bang_codec);
    r.service.limits.greet_ms = SHORT_MS;
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "o1d12hi");
    int one = accept_from(r.target_fd);
    expect_text(one, "hi");
    send_text(client, "!");
    expect_reset(one);
    expect_end(client);
    (void)close(one);
    (void)close(client);
    rig_close(&r);
}

static void silence_ends_a_stream_and_its_connection(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, &clear_codec);
    r.service.limits.idle_ms = SHORT_MS;
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "o1");
    int one = accept_from(r.target_fd);
    expect_end(client);
    expect_reset(one);
    (void)close(one);
    (void)close(client);
    rig_close(&r);
}

/* The header comes first on each connection, whatever the client has said. */
static void each_target_hears_the_client(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r, &clear_codec);
    r.service.introduces = true;
    rig_start(&r);
    for (int several = 0; several < 2; several++) {
        int client = connect_to(r.port);
        send_text(client, several ? "o1d12hi" : "hi");
        int one = accept_from(r.target_fd);
        struct ssp__address own = {.len = sizeof own.u}, reached = {.len = sizeof reached.u};
        assert_int_equal(getsockname(client, &own.u.any, &own.len), 0);
        assert_int_equal(getpeername(client, &reached.u.any, &reached.len), 0);
        uint8_t want[SSP_PROXY_HEADER_MAX], got[SSP_PROXY_HEADER_MAX];
        size_t n = ssp__proxy_header_write(&own, &reached, want);
        assert_int_equal(recv(one, got, n, MSG_WAITALL), n);
        assert_memory_equal(got, want, n);
        expect_text(one, "hi");
        (void)close(one);
        (void)close(client);
    }
    rig_close(&r);
}

/* Each allocation fails once: the streams fail, or the connection; nothing leaks or hangs. */
static void without_memory_a_stream_fails(void **state)
{
    (void)state;
    unsigned left = 0;
    for (unsigned nth = 1; left == 0; nth++) {
        struct rig r;
        open_rig(&r, &clear_codec);
        rig_prepare(&r);
        int client = connect_to(r.port);
        send_text(client, "o1d12hio2");
        (void)shutdown(client, SHUT_WR);
        failing = nth;
        rig_run(&r);
        char got[8];
        while (recv(client, got, sizeof got, 0) > 0)
            continue;
        rig_stop(&r);
        left = failing;
        failing = 0;
        rig_release(&r);
        (void)close(client);
        assert_true(nth < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stream_has_a_target),
        cmocka_unit_test(frames_may_be_cut_anywhere),
        cmocka_unit_test(the_answer_comes_behind_the_end),
        cmocka_unit_test(the_end_of_a_target_waits_for_the_client),
        cmocka_unit_test(a_second_end_gives_the_stream_up),
        cmocka_unit_test(a_stream_that_cannot_be_had_is_said_so),
        cmocka_unit_test(a_reset_of_a_target_is_the_failure_of_its_stream),
        cmocka_unit_test(what_a_target_said_before_its_reset_arrives),
        cmocka_unit_test(ends_of_the_client),
        cmocka_unit_test(a_slow_target_stops_its_client),
        cmocka_unit_test(streams_are_read_in_turn),
        cmocka_unit_test(a_beginning_that_tells_nothing_is_one_stream),
        cmocka_unit_test(a_codec_that_fails_resets_all),
        cmocka_unit_test(silence_ends_a_stream_and_its_connection),
        cmocka_unit_test(each_target_hears_the_client),
        cmocka_unit_test(without_memory_a_stream_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
