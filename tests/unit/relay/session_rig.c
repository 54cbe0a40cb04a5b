/* SPDX-License-Identifier: Apache-2.0 */
#include "session_rig.h"

#include "codec_fn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- codecs ---- */

ssp_verdict codec_clear(ssp_conn *conn, void *state, ssp_io *io)
{
    UNUSED;
    return SSP_CLEAR;
}

CODEC_FN(until_bang)
{
    UNUSED;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    const uint8_t *bang = len > 0 ? memchr(in, '!', len) : NULL;
    if (len == 0)
        return SSP_MORE;
    ssp_pass(io, bang != NULL ? (size_t)(bang - in) : len);
    return bang != NULL ? SSP_FAIL : SSP_OK;
}

CODEC_FN(greeting)
{
    UNUSED;
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

CODEC_FN(sort_out)
{
    UNUSED;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    if (*in == '?')
        ssp_conn_divert(conn);
    ssp_skip(io, 1);
    return SSP_CLEAR;
}

CODEC_FN(prefix)
{
    UNUSED;
    size_t len;
    (void)ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    ssp_put(io, ">", 1);
    return SSP_CLEAR;
}

const ssp_codec clear_codec = CODEC("clear", codec_clear, codec_clear);
const ssp_codec bang_codec = CODEC("bang", codec_clear, until_bang);
const ssp_codec greeting_codec = CODEC("greeting", codec_clear, greeting);
const ssp_codec sort_codec = CODEC("sort", prefix, sort_out);

/* ---- the engine in a thread, one listening target ---- */

static void quit(void *arg)
{
    struct rig *r = arg;
    ssp__program_stop(&r->program, 0);
}

static void *serve(void *arg)
{
    struct rig *r = arg;
    (void)ssp__program_run(&r->program);
    return NULL;
}

static bool plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct rig *r = arg;
    bool elsewhere = query->occasion == SSP_ON_FOREIGN || query->occasion == SSP_ON_DIVERT;
    plan->endpoint = elsewhere ? &r->fallback : &r->endpoint;
    plan->endpoints = 1;
    plan->coded = query->occasion != SSP_ON_FOREIGN;
    return query->failed == 0 && (r->has_fallback || !elsewhere) &&
           (r->eager || query->occasion != SSP_ON_ACCEPT);
}

void rig_open(struct rig *r, const ssp_codec *codec, enum ssp__side coded)
{
    *r = (struct rig){.quit = NULL};
    r->target_fd = listen_loopback(&r->endpoint);
    r->service = (struct ssp__service){
        .name = "test",
        .coded = coded,
        .role = coded == SSP_DIALED ? SSP_CLIENT : SSP_SERVER,
        .codec = codec,
        .plan = plan,
        .plan_arg = r,
        .limits = {
            .greet_ms = LONG_MS, .dial_ms = LONG_MS, .idle_ms = LONG_MS, .linger_ms = LONG_MS}};
}

int rig_fallback(struct rig *r)
{
    r->has_fallback = true;
    return listen_loopback(&r->fallback);
}

void rig_prepare(struct rig *r)
{
    const char *phrase;
    char why[256];
    struct ssp__endpoint any;
    assert_int_equal(ssp__program_open(&r->program, NULL, false, &phrase), 0);
    ssp__instance_open(&r->relay, &r->program);
    assert_int_equal(ssp__endpoint_set(&any, "127.0.0.1", 0), 0);
    r->port = ssp__instance_listen(&r->relay, &any, &r->service, why, sizeof why);
    assert_true(r->port > 0);
    assert_int_equal(pipe(r->quit_pipe), 0);
    r->quit = ssp__watch_open(r->program.loop, r->quit_pipe[0], quit, r);
    assert_non_null(r->quit);
}

void rig_run(struct rig *r)
{
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
}

void rig_start(struct rig *r)
{
    rig_prepare(r);
    rig_run(r);
}

void rig_release(struct rig *r)
{
    ssp__watch_close(r->quit);
    ssp__instance_close(&r->relay);
    ssp__program_close(&r->program);
    (void)close(r->quit_pipe[0]);
    (void)close(r->quit_pipe[1]);
    (void)close(r->target_fd);
}

void rig_stop(struct rig *r)
{
    assert_int_equal(write(r->quit_pipe[1], "q", 1), 1);
    (void)pthread_join(r->thread, NULL);
}

void rig_close(struct rig *r)
{
    rig_stop(r);
    rig_release(r);
}

/* ---- blocking sockets of the test, each bounded ---- */

static void bound(int fd)
{
    struct timeval limit = {WAIT_MS / 1000, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* Nobody listens on it, and nobody else can. */
int refuse_loopback(struct ssp__endpoint *e)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", 0), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    assert_int_equal(getsockname(fd, &a.u.any, &a.len), 0);
    ssp__endpoint_set_address(e, &a);
    return fd;
}

int listen_loopback(struct ssp__endpoint *e)
{
    int fd = refuse_loopback(e);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

void clog_up(const struct ssp__endpoint *e, int clog[CLOGS])
{
    struct ssp__address a;
    assert_true(ssp__endpoint_address(e, &a));
    memset(clog, 0xff, CLOGS * sizeof clog[0]);
    for (int i = 0; i < CLOGS; i++) {
        clog[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(clog[i], &a.u.any, a.len);
        struct pollfd p = {.fd = clog[i], .events = POLLOUT};
        if (poll(&p, 1, 0) == 0)
            return;
    }
    fail_msg("the queue of a listener does not fill");
}

void unclog(const int clog[CLOGS])
{
    for (int i = 0; i < CLOGS; i++)
        (void)close(clog[i]);
}

int connect_to(int port)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", (uint16_t)port), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bound(fd);
    assert_int_equal(connect(fd, &a.u.any, a.len), 0);
    return fd;
}

int accept_from(int listening)
{
    struct pollfd p = {.fd = listening, .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    int fd = accept(listening, NULL, NULL);
    assert_true(fd >= 0);
    bound(fd);
    return fd;
}

void expect_nobody(int listening)
{
    struct pollfd p = {.fd = listening, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
}

void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void expect_text(int fd, const char *text)
{
    char got[256] = "";
    size_t want = strlen(text);
    assert_int_equal(recv(fd, got, want, MSG_WAITALL), want);
    assert_memory_equal(got, text, want);
}

void expect_end(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

void expect_reset(int fd)
{
    char byte;
    errno = 0;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
}

void reset(int fd)
{
    struct linger now = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}

void expect_absorbed(const ssp_codec *codec, const char *said)
{
    struct rig r;
    rig_open(&r, codec, SSP_ACCEPTED);
    r.service.limits.greet_ms = SHORT_MS;
    rig_prepare(&r);
    int client = connect_to(r.port);
    send_text(client, said); /* before the deadline begins */
    rig_run(&r);
    expect_end(client);
    expect_nobody(r.target_fd);
    (void)close(client);
    rig_close(&r);
}
