/* SPDX-License-Identifier: Apache-2.0 */
/* A program: whom it lets in, what it hears, and how it ends. */
#include "session_rig.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a crowd ---- */

/* Says what it wants, and is served. */
static void expect_served(struct rig *r, int client, const char *text)
{
    char said[8];
    (void)snprintf(said, sizeof said, "+%s", text);
    send_text(client, said);
    int target = accept_from(r->target_fd);
    expect_text(target, text);
    (void)close(target);
}

static void the_oldest_handshake_of_a_source_makes_room(void **state)
{
    enum { CAP = 3 };
    int client[CAP + 1];
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_ACCEPTED);
    r.service.limits.greeting_per_source = CAP;
    rig_start(&r);
    for (int i = 0; i <= CAP; i++)
        client[i] = connect_to(r.port);
    expect_end(client[0]);
    for (int i = 1; i <= CAP; i++)
        expect_served(&r, client[i], "x");
    for (int i = 0; i <= CAP; i++)
        (void)close(client[i]);
    rig_close(&r);
}

static void loopback_is_no_source_unless_a_limit_is_given(void **state)
{
    enum { MANY = 200 };
    int client[MANY];
    (void)state;
    struct rig r;
    rig_open(&r, &sort_codec, SSP_ACCEPTED);
    rig_start(&r);
    for (int i = 0; i < MANY; i++)
        client[i] = connect_to(r.port);
    expect_served(&r, client[0], "x");
    for (int i = 0; i < MANY; i++)
        (void)close(client[i]);
    rig_close(&r);
}

/* ---- a socket of others ---- */

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* Accepted sockets inherit them. */
static void a_socket_that_is_adopted_gets_the_options(void **state)
{
    (void)state;
    struct rig r;
    struct linger linger = {0};
    socklen_t len = sizeof linger;
    const struct sockaddr_in any = {.sin_family = AF_INET};
    rig_open(&r, &clear_codec, SSP_ACCEPTED);
    r.service.accepted =
        (struct ssp__socket_options){.keep_alive_s = 50, .user_timeout_s = 60, .fast_open = true};
    rig_prepare(&r);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(ssp__instance_adopt(&r.relay, fd, &r.service), 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 50);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 60000);
    assert_true(option_of(fd, IPPROTO_TCP, TCP_FASTOPEN) > 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
    assert_int_equal(linger.l_onoff, 1);
    rig_run(&r);
    rig_close(&r);
}

/* ---- the end of a program ---- */

/* Turns the loop until the first one has been counted. */
static void await(ssp_loop *loop, const unsigned *count)
{
    uint64_t begin = ssp__loop_now_ms(loop);
    while (*count == 0 && ssp__loop_now_ms(loop) - begin < WAIT_MS)
        assert_int_equal(ssp_loop_turn(loop, 100), 0);
    assert_int_equal(*count, 1);
}

/* One session lives, and its loop does not run.  Returns its client. */
static int open_session(struct rig *r)
{
    rig_open(r, &clear_codec, SSP_DIALED);
    rig_prepare(r);
    int client = connect_to(r->port);
    send_text(client, "a");
    await(r->program.loop, &r->relay.live);
    return client;
}

static void drained(void *arg)
{
    struct rig *r = arg;
    ssp__program_stop(&r->program, 0);
}

static void drain(void *arg)
{
    struct rig *r = arg;
    char how = 0;
    ssize_t n = read(r->quit_pipe[0], &how, 1);
    ssp__instance_drain(&r->relay, n == 1 && how == 's' ? SHORT_MS : WAIT_MS * 10, drained, r);
}

/* The loop will drain as soon as it runs: "s" for a short time. */
static void order_drain(struct rig *r, const char *how)
{
    ssp__watch_close(r->quit);
    r->quit = ssp__watch_open(r->program.loop, r->quit_pipe[0], drain, r);
    assert_non_null(r->quit);
    assert_int_equal(write(r->quit_pipe[1], how, 1), 1);
}

static void a_draining_program_serves_who_is_there_and_ends_with_the_last(void **state)
{
    (void)state;
    struct rig r;
    int client = open_session(&r);
    order_drain(&r, "d");
    rig_run(&r);
    int target = accept_from(r.target_fd);
    expect_text(target, "a");
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", (uint16_t)r.port), 0);
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
    rig_release(&r);
}

static void draining_has_a_limit(void **state)
{
    (void)state;
    struct rig r;
    int client = open_session(&r);
    order_drain(&r, "s");
    assert_int_equal(ssp__program_run(&r.program), 0);
    assert_int_equal(r.relay.live, 1);
    rig_release(&r);
    (void)close(client);
}

static void count_signal(void *arg)
{
    ++*(unsigned *)arg;
}

static void a_program_hears_the_signals_it_asks_for(void **state)
{
    unsigned hup = 0, usr1 = 0;
    const char *phrase;
    struct ssp__program p;
    (void)state;
    assert_int_equal(ssp__program_open(&p, NULL, false, &phrase), 0);
    assert_int_equal(ssp__program_on_signal(&p, SIGHUP, count_signal, &hup), 0);
    assert_int_equal(ssp__program_on_signal(&p, SIGUSR1, count_signal, &usr1), 0);
    assert_int_equal(raise(SIGHUP), 0);
    await(p.loop, &hup);
    assert_int_equal(raise(SIGUSR1), 0);
    await(p.loop, &usr1);
    assert_int_equal(hup, 1);
    ssp__program_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_handshake_of_a_source_makes_room),
        cmocka_unit_test(loopback_is_no_source_unless_a_limit_is_given),
        cmocka_unit_test(a_socket_that_is_adopted_gets_the_options),
        cmocka_unit_test(a_draining_program_serves_who_is_there_and_ends_with_the_last),
        cmocka_unit_test(draining_has_a_limit),
        cmocka_unit_test(a_program_hears_the_signals_it_asks_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
