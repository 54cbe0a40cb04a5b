/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions on real loopback sockets: the engine runs in a thread, the test is client and target. */
#include "relay/program.h"
#include "relay/session.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, SHORT_MS = 300, CHUNK = 65536 };

/* ---- codecs ---- */

static ssp_verdict clear(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return SSP_CLEAR;
}

static ssp_verdict invert(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
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

/* Passes bytes until the first '!', which is a protocol error. */
static ssp_verdict until_bang(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    const uint8_t *bang = len > 0 ? memchr(in, '!', len) : NULL;
    if (len == 0)
        return SSP_MORE;
    ssp_pass(io, bang != NULL ? (size_t)(bang - in) : len);
    return bang != NULL ? SSP_FAIL : SSP_OK;
}

/* Ours begins with "hi"; answers "ho" to it at once. */
static ssp_verdict greeting(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len > 0 && memcmp(in, "hi", len < 2 ? len : 2) != 0)
        return SSP_FOREIGN;
    if (len < 2) {
        ssp_need(io, 2);
        return SSP_MORE;
    }
    ssp_skip(io, 2);
    ssp_reply(io, "ho", 2);
    return SSP_CLEAR;
}

static ssp_verdict spin(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return SSP_OK;
}

#define CODEC(name_, wrap_, unwrap_)                                                               \
    {                                                                                              \
        .size = sizeof(ssp_codec), .name = name_, .version = "1", .about = name_, .wrap = wrap_,   \
        .unwrap = unwrap_                                                                          \
    }

static const ssp_codec clear_codec = CODEC("clear", clear, clear);
static const ssp_codec invert_codec = CODEC("invert", invert, invert);
static const ssp_codec bang_codec = CODEC("bang", clear, until_bang);
static const ssp_codec greeting_codec = CODEC("greeting", clear, greeting);

/* Understands what begins with '+'; '?' is for somebody else. */
static ssp_verdict sort_out(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)state;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    if (*in == '?')
        ssp_conn_divert(conn);
    ssp_skip(io, 1);
    return SSP_CLEAR;
}

/* Says '>' in front of what it sends. */
static ssp_verdict prefix(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    size_t len;
    (void)ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    ssp_put(io, ">", 1);
    return SSP_CLEAR;
}

/* Changes its mind when it is too late. */
static ssp_verdict regret(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)state;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    if (*in == '?') {
        ssp_conn_divert(conn);
        ssp_skip(io, 1);
    } else {
        ssp_pass(io, 1);
    }
    return SSP_OK;
}

static const ssp_codec sort_codec = CODEC("sort", prefix, sort_out);
static const ssp_codec spin_codec = CODEC("spin", spin, spin);
static const ssp_codec regret_codec = CODEC("regret", clear, regret);

/* ---- the engine in a thread, one listening target ---- */

struct rig {
    struct ssp_program program;
    struct ssp_service service;
    struct ssp_endpoint endpoint, fallback;
    struct ssp_watch *quit;
    pthread_t thread;
    int quit_pipe[2];
    int target_fd; /* listening */
    int port;      /* of the engine */
};

static int listen_loopback(struct ssp_endpoint *e)
{
    struct ssp_address a;
    assert_int_equal(ssp_address_parse(&a, "127.0.0.1", 0), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, &a.u.any, &a.len), 0);
    assert_int_equal(ssp_endpoint_set(e, "127.0.0.1", ssp_address_port(&a)), 0);
    return fd;
}

static void quit(void *arg)
{
    struct rig *r = arg;
    ssp_program_stop(&r->program, 0);
}

static void *serve(void *arg)
{
    struct rig *r = arg;
    (void)ssp_program_run(&r->program);
    return NULL;
}

static void rig_open(struct rig *r, const ssp_codec *codec, enum ssp_side coded)
{
    *r = (struct rig){.quit = NULL};
    r->target_fd = listen_loopback(&r->endpoint);
    r->service = (struct ssp_service){
        .name = "test",
        .coded = coded,
        .role = coded == SSP_DIALED ? SSP_CLIENT : SSP_SERVER,
        .codec = codec,
        .endpoint = &r->endpoint,
        .endpoints = 1,
        .limits = {.greet_ms = SHORT_MS, .dial_ms = 5000, .idle_ms = 60000, .linger_ms = 5000}};
}

static void rig_start(struct rig *r)
{
    const char *phrase;
    char why[256];
    struct ssp_endpoint any;
    assert_int_equal(ssp_program_open(&r->program, NULL, false, &phrase), 0);
    assert_int_equal(ssp_endpoint_set(&any, "127.0.0.1", 0), 0);
    r->port = ssp_program_listen(&r->program, &any, &r->service, why, sizeof why);
    assert_true(r->port > 0);
    assert_int_equal(pipe(r->quit_pipe), 0);
    r->quit = ssp_watch_open(r->program.loop, r->quit_pipe[0], quit, r);
    assert_non_null(r->quit);
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
}

static void rig_close(struct rig *r)
{
    assert_int_equal(write(r->quit_pipe[1], "q", 1), 1);
    (void)pthread_join(r->thread, NULL);
    ssp_watch_close(r->quit);
    ssp_program_close(&r->program);
    (void)close(r->quit_pipe[0]);
    (void)close(r->quit_pipe[1]);
    (void)close(r->target_fd);
}

/* ---- blocking sockets of the test, each bounded ---- */

static void bound(int fd)
{
    struct timeval limit = {WAIT_MS / 1000, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static int connect_to(int port)
{
    struct ssp_address a;
    assert_int_equal(ssp_address_parse(&a, "127.0.0.1", (uint16_t)port), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bound(fd);
    assert_int_equal(connect(fd, &a.u.any, a.len), 0);
    return fd;
}

static int accept_from(int listening)
{
    struct pollfd p = {.fd = listening, .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    int fd = accept(listening, NULL, NULL);
    assert_true(fd >= 0);
    bound(fd);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect_text(int fd, const char *text)
{
    char got[256] = "";
    size_t want = strlen(text);
    assert_int_equal(recv(fd, got, want, MSG_WAITALL), want);
    assert_memory_equal(got, text, want);
}

static void expect_end(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void expect_reset(int fd)
{
    char byte;
    errno = 0;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
}

static void reset(int fd)
{
    struct linger now = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}

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

static void a_codec_that_fails_delivers_the_good_bytes_then_a_reset(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &bang_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "good!bad");
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

static void a_codec_that_fails_at_the_start_is_absorbed_without_a_dial(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &bang_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "!nothing of this arrives");
    expect_end(client);
    struct pollfd p = {.fd = r.target_fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    (void)close(client);
    rig_close(&r);
}

static void silence_ends_as_absorption_does(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &bang_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    expect_end(client);
    (void)close(client);
    rig_close(&r);
}

static void foreign_input_goes_whole_to_the_fallback(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &greeting_codec, SSP_ACCEPTED);
    int web = listen_loopback(&r.fallback);
    r.service.fallback = &r.fallback;
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

static void foreign_input_without_a_fallback_is_drained(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &greeting_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "http");
    expect_end(client);
    (void)close(client);
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

static void a_refused_dial_is_a_reset(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    (void)close(r.target_fd);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    expect_reset(client);
    (void)close(client);
    r.target_fd = -1;
    rig_close(&r);
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
    struct pollfd p = {.fd = r.target_fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    (void)close(client);
    rig_close(&r);
}

static void an_eager_service_dials_at_once(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    r.service.eager = true;
    rig_start(&r);
    int client = connect_to(r.port);
    int target = accept_from(r.target_fd);
    send_text(target, "banner");
    expect_text(client, "banner");
    (void)close(target);
    (void)close(client);
    rig_close(&r);
}

/* ---- rules ---- */

static ssp_verdict overflow(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    ssp_used(io, ssp_room_left(io) + 1);
    return SSP_OK;
}

static ssp_verdict want_too_much(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    ssp_need(io, SSP_WINDOW + 1);
    return SSP_MORE;
}

static ssp_verdict regret_input(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t len;
    (void)conn;
    (void)state;
    (void)ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    ssp_skip(io, 1);
    return SSP_FOREIGN;
}

static ssp_verdict invent(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return (ssp_verdict)42;
}

struct log {
    pthread_mutex_t lock;
    char text[4096];
};

static void keep_line(void *arg, enum ssp_log_level level, const char *text)
{
    struct log *log = arg;
    (void)level;
    (void)pthread_mutex_lock(&log->lock);
    size_t n = strlen(log->text);
    (void)snprintf(log->text + n, sizeof log->text - n, "%s\n", text);
    (void)pthread_mutex_unlock(&log->lock);
}

/* Ends one connection after the other, says why, and serves the next one. */
static void a_codec_that_breaks_a_rule_loses_its_connection_only(void **state)
{
    static const struct {
        ssp_codec_fn *fn;
        const char *rule;
    } rows[] = {
        {spin, "answers OK without progress"},
        {overflow, "uses more than its room"},
        {want_too_much, "asks for more input than the window holds"},
        {regret_input, "answers FOREIGN after it consumed"},
        {invent, "answers an unknown verdict"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const ssp_codec codec = CODEC("wrong", rows[i].fn, rows[i].fn);
        struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
        char line[128];
        struct rig r;
        ssp_log_redirect(keep_line, &log);
        rig_open(&r, &codec, SSP_DIALED);
        rig_start(&r);
        for (int round = 0; round < 2; round++) {
            int client = connect_to(r.port);
            send_text(client, "x");
            int target = accept_from(r.target_fd);
            expect_reset(target);
            (void)close(target);
            (void)close(client);
        }
        rig_close(&r);
        ssp_log_redirect(NULL, NULL);
        (void)snprintf(line, sizeof line, "test: codec wrong %s: connection ended", rows[i].rule);
        assert_non_null(strstr(log.text, line));
    }
}

static void a_broken_rule_of_a_server_is_absorbed_like_any_failure(void **state)
{
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct rig r;
    (void)state;
    ssp_log_redirect(keep_line, &log);
    rig_open(&r, &spin_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    expect_end(client);
    (void)close(client);
    rig_close(&r);
    ssp_log_redirect(NULL, NULL);
    assert_non_null(strstr(log.text, "codec spin answers OK without progress"));
}

/* ---- connections that go elsewhere ---- */

static void a_diverted_connection_goes_to_the_fallback_through_the_codec(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_ACCEPTED);
    int web = listen_loopback(&r.fallback);
    r.service.fallback = &r.fallback;
    rig_start(&r);
    for (int split = 0; split < 2; split++) {
        int client = connect_to(r.port);
        send_text(client, split ? "?" : "?hello");
        int server = accept_from(web);
        if (split)
            send_text(client, "hello");
        expect_text(server, "hello");
        send_text(server, "page");
        expect_text(client, ">page");
        (void)close(server);
        expect_end(client);
        (void)close(client);
    }
    int client = connect_to(r.port);
    send_text(client, "+ours");
    int target = accept_from(r.target_fd);
    expect_text(target, "ours");
    (void)close(target);
    (void)close(client);
    (void)close(web);
    rig_close(&r);
}

static void a_diverted_connection_without_a_fallback_is_drained(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_ACCEPTED);
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "?hello");
    expect_end(client);
    struct pollfd p = {.fd = r.target_fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    (void)close(client);
    rig_close(&r);
}

static void a_connection_that_is_diverted_too_late_ends(void **state)
{
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    (void)state;
    struct rig r;
    ssp_log_redirect(keep_line, &log);
    rig_open(&r, &regret_codec, SSP_ACCEPTED);
    int web = listen_loopback(&r.fallback);
    r.service.fallback = &r.fallback;
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "x");
    int target = accept_from(r.target_fd);
    expect_text(target, "x");
    send_text(client, "?");
    expect_reset(target);
    struct pollfd p = {.fd = web, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    (void)close(target);
    (void)close(client);
    (void)close(web);
    rig_close(&r);
    ssp_log_redirect(NULL, NULL);
    assert_non_null(strstr(log.text, "codec regret diverts a connection too late"));
}

/* ---- stacks ---- */

/* The inner layer does not know the stranger: it goes on through the outer one. */
static void a_stack_diverts_what_an_inner_layer_disowns(void **state)
{
    static const void *const no_conf[2];
    const ssp_codec outer = CODEC("outer", prefix, sort_out);
    ssp_stack *stack =
        ssp_stack_new((const ssp_codec *const[]){&greeting_codec, &outer}, no_conf, 2);
    (void)state;
    struct rig r;
    rig_open(&r, ssp_stack_codec(stack), SSP_ACCEPTED);
    r.service.conf = stack;
    int web = listen_loopback(&r.fallback);
    r.service.fallback = &r.fallback;
    rig_start(&r);
    int client = connect_to(r.port);
    send_text(client, "+GET /");
    int server = accept_from(web);
    expect_text(server, "GET /");
    send_text(server, "page");
    expect_text(client, ">page");
    (void)close(server);
    expect_end(client);
    (void)close(client);
    client = connect_to(r.port);
    send_text(client, "+hithere");
    expect_text(client, ">ho");
    int target = accept_from(r.target_fd);
    expect_text(target, "there");
    (void)close(target);
    (void)close(client);
    (void)close(web);
    rig_close(&r);
    ssp_stack_free(stack);
}

/* ---- a crowd ---- */

static void a_peer_has_a_limited_number_of_handshakes(void **state)
{
    enum { CAP = 3 };
    int client[CAP];
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_ACCEPTED);
    r.service.limits.greet_ms = WAIT_MS;
    r.service.limits.greeting_per_peer = CAP;
    r.service.limits.greeting_loopback = true;
    rig_start(&r);
    for (int i = 0; i < CAP; i++)
        client[i] = connect_to(r.port);
    for (int i = 0; i < 2; i++) {
        int over = connect_to(r.port);
        expect_end(over);
        (void)close(over);
    }
    send_text(client[0], "+x"); /* one has said what it wants: there is a place again */
    int target = accept_from(r.target_fd);
    expect_text(target, "x");
    int next = connect_to(r.port);
    send_text(next, "+y");
    int other = accept_from(r.target_fd);
    expect_text(other, "y");
    (void)close(other);
    (void)close(next);
    (void)close(target);
    for (int i = 0; i < CAP; i++)
        (void)close(client[i]);
    rig_close(&r);
}

static void loopback_peers_are_no_crowd(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_ACCEPTED);
    r.service.limits.greet_ms = WAIT_MS;
    r.service.limits.greeting_per_peer = 1;
    rig_start(&r);
    int first = connect_to(r.port), second = connect_to(r.port);
    send_text(second, "+x");
    int target = accept_from(r.target_fd);
    expect_text(target, "x");
    (void)close(target);
    (void)close(second);
    (void)close(first);
    rig_close(&r);
}

/* ---- the end of a program ---- */

static void drain_now(void *arg)
{
    struct rig *r = arg;
    char byte;
    assert_int_equal(read(r->quit_pipe[0], &byte, 1), 1);
    ssp_program_drain(&r->program, byte == 'd' ? WAIT_MS * 10 : SHORT_MS);
}

static int rig_drain(struct rig *r, const char *how)
{
    ssp_watch_close(r->quit);
    r->quit = ssp_watch_open(r->program.loop, r->quit_pipe[0], drain_now, r);
    return write(r->quit_pipe[1], how, 1) == 1 ? 0 : -1;
}

static void rig_prepare(struct rig *r)
{
    const char *phrase;
    char why[256];
    struct ssp_endpoint any;
    assert_int_equal(ssp_program_open(&r->program, NULL, false, &phrase), 0);
    assert_int_equal(ssp_endpoint_set(&any, "127.0.0.1", 0), 0);
    r->port = ssp_program_listen(&r->program, &any, &r->service, why, sizeof why);
    assert_true(r->port > 0);
    assert_int_equal(pipe(r->quit_pipe), 0);
    r->quit = ssp_watch_open(r->program.loop, r->quit_pipe[0], quit, r);
}

static void a_draining_program_serves_who_is_there_and_ends_with_the_last(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    rig_prepare(&r);
    int client = connect_to(r.port);
    send_text(client, "a");
    while (r.program.worker->live == 0)
        assert_int_equal(ssp_loop_turn(r.program.loop, 100), 0);
    assert_int_equal(rig_drain(&r, "d"), 0);
    assert_int_equal(pthread_create(&r.thread, NULL, serve, &r), 0);
    int target = accept_from(r.target_fd);
    expect_text(target, "a");
    struct ssp_address a;
    assert_int_equal(ssp_address_parse(&a, "127.0.0.1", (uint16_t)r.port), 0);
    int refused = 0;
    for (int i = 0; i < WAIT_MS / 10 && refused == 0; i++) { /* the order may still be under way */
        int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        refused = connect(late, &a.u.any, a.len) == -1 && errno == ECONNREFUSED;
        (void)close(late);
        (void)poll(NULL, 0, refused ? 0 : 10);
    }
    assert_int_equal(refused, 1);
    send_text(client, "b");
    expect_text(target, "b");
    (void)close(client);
    expect_end(target);
    (void)close(target);
    (void)pthread_join(r.thread, NULL); /* by itself */
    assert_int_equal(r.program.status, 0);
    ssp_watch_close(r.quit);
    ssp_program_close(&r.program);
    (void)close(r.quit_pipe[0]);
    (void)close(r.quit_pipe[1]);
    (void)close(r.target_fd);
}

static void draining_has_a_limit(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &clear_codec, SSP_DIALED);
    rig_prepare(&r);
    int client = connect_to(r.port);
    send_text(client, "a");
    while (r.program.worker->live == 0)
        assert_int_equal(ssp_loop_turn(r.program.loop, 100), 0);
    assert_int_equal(rig_drain(&r, "s"), 0);
    (void)serve(&r);
    assert_int_equal(r.program.status, 0);
    assert_int_equal(r.program.worker->live, 1);
    ssp_watch_close(r.quit);
    ssp_program_close(&r.program);
    (void)close(client);
    (void)close(r.quit_pipe[0]);
    (void)close(r.quit_pipe[1]);
    (void)close(r.target_fd);
}

static void count_signal(void *arg)
{
    ++*(int *)arg;
}

static void a_program_hears_the_signals_it_asks_for(void **state)
{
    int hup = 0, usr1 = 0;
    const char *phrase;
    struct ssp_program p;
    (void)state;
    assert_int_equal(ssp_program_open(&p, NULL, false, &phrase), 0);
    assert_int_equal(ssp_program_on_signal(&p, SIGHUP, count_signal, &hup), 0);
    assert_int_equal(ssp_program_on_signal(&p, SIGUSR1, count_signal, &usr1), 0);
    assert_int_equal(raise(SIGHUP), 0);
    while (hup == 0)
        assert_int_equal(ssp_loop_turn(p.loop, 1000), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    while (usr1 == 0)
        assert_int_equal(ssp_loop_turn(p.loop, 1000), 0);
    assert_int_equal(hup, 1);
    ssp_program_close(&p);
}

struct pour {
    int fd;
    size_t bytes;
};

static void *pour(void *arg)
{
    struct pour *p = arg;
    uint8_t *chunk = malloc(CHUNK);
    assert_non_null(chunk);
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
    free(chunk);
    return NULL;
}

/* Reads to the end and checks every byte; mask is what the codec did to it. */
static size_t drain(int fd, uint8_t mask)
{
    uint8_t *chunk = malloc(CHUNK);
    size_t total = 0;
    ssize_t n;
    assert_non_null(chunk);
    while ((n = recv(fd, chunk, CHUNK, 0)) > 0) {
        for (ssize_t i = 0; i < n; i++, total++)
            assert_int_equal(chunk[i], (uint8_t)(total * 2654435761U >> 13) ^ mask);
    }
    assert_int_equal(n, 0);
    free(chunk);
    return total;
}

static void pour_through(const ssp_codec *codec, uint8_t mask)
{
    enum { BYTES = 24 << 20 };
    struct rig r;
    pthread_t up, down;
    rig_open(&r, codec, SSP_DIALED);
    r.service.eager = true;
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

/* What is not read by the target must be held back at the client. */
static void a_receiver_that_does_not_read_stops_the_source(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, &invert_codec, SSP_DIALED);
    r.service.eager = true;
    r.service.dialed.sndbuf = 65536;
    rig_start(&r);
    int client = connect_to(r.port), target = accept_from(r.target_fd);
    uint8_t *chunk = calloc(1, CHUNK);
    size_t sent = 0;
    ssize_t n;
    struct pollfd p = {.fd = client, .events = POLLOUT};
    while (sent < (256U << 20) && poll(&p, 1, SHORT_MS) == 1 &&
           (n = send(client, chunk, CHUNK, MSG_DONTWAIT | MSG_NOSIGNAL)) != 0)
        sent += n > 0 ? (size_t)n : 0;
    assert_true(sent < (256U << 20));
    free(chunk);
    (void)close(client);
    (void)close(target);
    rig_close(&r);
}

static void an_idle_session_stays_small(void **state)
{
    (void)state;
    struct ssp_service service = {.codec = &clear_codec};
    assert_in_range(ssp_session_size(&service), 512, 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_carry_bytes_and_end_one_by_one),
        cmocka_unit_test(a_source_that_resets_is_a_reset_behind_its_last_byte),
        cmocka_unit_test(a_receiver_that_resets_is_a_reset_for_the_source),
        cmocka_unit_test(a_codec_that_fails_delivers_the_good_bytes_then_a_reset),
        cmocka_unit_test(a_codec_that_fails_at_the_start_is_absorbed_without_a_dial),
        cmocka_unit_test(silence_ends_as_absorption_does),
        cmocka_unit_test(foreign_input_goes_whole_to_the_fallback),
        cmocka_unit_test(foreign_input_without_a_fallback_is_drained),
        cmocka_unit_test(a_reply_goes_back_before_the_dial),
        cmocka_unit_test(a_refused_dial_is_a_reset),
        cmocka_unit_test(a_client_that_says_nothing_causes_no_dial),
        cmocka_unit_test(an_eager_service_dials_at_once),
        cmocka_unit_test(a_codec_that_breaks_a_rule_loses_its_connection_only),
        cmocka_unit_test(a_broken_rule_of_a_server_is_absorbed_like_any_failure),
        cmocka_unit_test(a_diverted_connection_goes_to_the_fallback_through_the_codec),
        cmocka_unit_test(a_diverted_connection_without_a_fallback_is_drained),
        cmocka_unit_test(a_connection_that_is_diverted_too_late_ends),
        cmocka_unit_test(a_stack_diverts_what_an_inner_layer_disowns),
        cmocka_unit_test(a_peer_has_a_limited_number_of_handshakes),
        cmocka_unit_test(loopback_peers_are_no_crowd),
        cmocka_unit_test(a_draining_program_serves_who_is_there_and_ends_with_the_last),
        cmocka_unit_test(draining_has_a_limit),
        cmocka_unit_test(a_program_hears_the_signals_it_asks_for),
        cmocka_unit_test(bulk_through_a_clear_direction_is_whole),
        cmocka_unit_test(bulk_through_a_codec_is_whole),
        cmocka_unit_test(a_receiver_that_does_not_read_stops_the_source),
        cmocka_unit_test(an_idle_session_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
