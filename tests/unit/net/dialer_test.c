/* SPDX-License-Identifier: Apache-2.0 */
/* Dials on the loopback.  A black hole is a listener whose queue is full: the kernel drops what
 * knocks there. */
#include "net/dialer.h"

#include "name_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUND_MS = 100, ENDPOINTS = 12, CLOGS = 4 };

static bool without_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
    return without_memory ? NULL : __real_calloc(n, size);
}

struct rig {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    int server; /* of names */
    struct ssp__endpoint endpoint[ENDPOINTS];
    unsigned n;
    int bound[ENDPOINTS], clog[ENDPOINTS][CLOGS];
    struct ssp__dial *dial;
    struct ssp__stream stream;
    int fd; /* its descriptor; -2: not called yet */
    char why[256];
    bool tried;
    struct ssp__permit permit;
};

static void rig_open(struct rig *r)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    const char *why;
    *r = (struct rig){.stream.fd = -1, .fd = -2};
    r->loop = ssp_loop_new();
    r->server = name_server_open(text);
    r->resolver = ssp__resolver_new(r->loop, &(struct ssp__resolver_conf){.servers = text}, &why);
    assert_non_null(r->resolver);
    for (int i = 0; i < ENDPOINTS; i++) {
        r->bound[i] = -1;
        for (int c = 0; c < CLOGS; c++)
            r->clog[i][c] = -1;
    }
}

static void close_all(int *fd, int n)
{
    for (int i = 0; i < n; i++) {
        if (fd[i] != -1)
            (void)close(fd[i]);
    }
}

static void rig_close(struct rig *r)
{
    close_all(r->bound, ENDPOINTS);
    for (int i = 0; i < ENDPOINTS; i++)
        close_all(r->clog[i], CLOGS);
    ssp__stream_close(&r->stream);
    (void)close(r->server);
    ssp__resolver_free(r->resolver);
    ssp_loop_free(r->loop);
}

/* One more endpoint, a port of host. */
static struct ssp__address add_bound(struct rig *r, const char *host)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, host, 0), 0);
    int fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    assert_int_equal(getsockname(fd, &a.u.any, &a.len), 0);
    r->bound[r->n] = fd;
    assert_int_equal(ssp__endpoint_set(&r->endpoint[r->n++], host, ssp__address_port(&a)), 0);
    return a;
}

/* One more, which listens with this queue. */
static struct ssp__address add_listener(struct rig *r, const char *host, int queue)
{
    struct ssp__address a = add_bound(r, host);
    assert_int_equal(listen(r->bound[r->n - 1], queue), 0);
    return a;
}

static void add_open(struct rig *r, const char *host)
{
    (void)add_listener(r, host, 8);
}

/* A port that refuses: nobody listens there, and nobody else can. */
static void add_refusal(struct rig *r, const char *host)
{
    (void)add_bound(r, host);
}

/* Its queue is full once a connection to it does not stand at once any more. */
static void add_black_hole(struct rig *r, const char *host)
{
    struct ssp__address a = add_listener(r, host, 0);
    for (int i = 0; i < CLOGS; i++) {
        int fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        r->clog[r->n - 1][i] = fd;
        if (connect(fd, &a.u.any, a.len) == -1) {
            assert_int_equal(errno, EINPROGRESS);
            return;
        }
    }
    fail_msg("the queue of a listener does not fill");
}

static void dialed(void *arg, struct ssp__stream *stream, const char *why, bool tried)
{
    struct rig *r = arg;
    assert_int_equal(r->fd, -2);
    r->tried = tried;
    r->dial = NULL;
    r->fd = -1;
    if (stream != NULL) {
        ssp__stream_take(&r->stream, stream);
        r->fd = r->stream.fd;
    }
    (void)snprintf(r->why, sizeof r->why, "%s", why != NULL ? why : "");
}

/* Returns false when memory is out. */
static bool start(struct rig *r, unsigned first)
{
    static const struct ssp__socket_options options;
    struct ssp__dial_request request = {.loop = r->loop,
                                        .resolver = r->resolver,
                                        .options = &options,
                                        .endpoint = r->endpoint,
                                        .endpoints = r->n,
                                        .first = first,
                                        .permit = r->permit,
                                        .on_dialed = dialed,
                                        .arg = r};
    r->dial = ssp__dial_start(&request);
    return r->dial != NULL;
}

/* Turns the loop until the dial has ended, or for ms. */
static void turn(struct rig *r, unsigned ms)
{
    uint64_t begin = ssp__loop_now_ms(r->loop);
    while (r->fd == -2 && ssp__loop_now_ms(r->loop) - begin < ms)
        assert_int_equal(ssp_loop_turn(r->loop, 50), 0);
}

static void dial(struct rig *r, unsigned first)
{
    assert_true(start(r, first));
    assert_int_equal(r->fd, -2); /* it comes from the loop */
    turn(r, WAIT_MS);
}

static bool reached(const struct rig *r, unsigned i)
{
    struct ssp__address a = {.len = sizeof a.u};
    assert_true(r->fd >= 0);
    assert_int_equal(getpeername(r->fd, &a.u.any, &a.len), 0);
    return ssp__address_port(&a) == r->endpoint[i].port;
}

static void dials_begin_where_they_are_told(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)add_listener(&r, "127.0.0.1", 8);
    (void)add_listener(&r, "127.0.0.1", 8);
    dial(&r, 1);
    assert_null(r.dial);
    assert_true(reached(&r, 1));
    rig_close(&r);
}

static void a_dial_without_memory_leaves_no_descriptor(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)add_listener(&r, "127.0.0.1", 8);
    int free_fd = dup(0);
    (void)close(free_fd);
    without_memory = true;
    bool started = start(&r, 0);
    without_memory = false;
    int next_fd = dup(0);
    (void)close(next_fd);
    assert_false(started);
    assert_int_equal(next_fd, free_fd);
    rig_close(&r);
}

/* The socket stays registered in the loop as it is: its next owner hears it without a call. */
static void the_stream_of_a_dial_goes_on(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)add_listener(&r, "127.0.0.1", 8);
    dial(&r, 0);
    assert_true(reached(&r, 0));
    assert_int_equal(r.stream.interest.known, SSP_READABLE | SSP_WRITABLE);
    assert_true(ssp__stream_want(&r.stream, false, false));
    rig_close(&r);
}

static void those_that_refuse_are_passed_over_at_once(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    for (int i = 0; i < 10; i++)
        add_refusal(&r, i % 2 == 0 ? "127.0.0.1" : "127.0.0.2");
    (void)add_listener(&r, "127.0.0.1", 8);
    dial(&r, 0);
    assert_true(reached(&r, 10));
    rig_close(&r);
}

static void when_all_refuse_the_failure_comes_later_and_names_one(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    add_refusal(&r, "127.0.0.1");
    add_refusal(&r, "127.0.0.2");
    dial(&r, 0);
    assert_int_equal(r.fd, -1);
    assert_non_null(strstr(r.why, "dial 127.0.0.2:"));
    assert_non_null(strstr(r.why, strerror(ECONNREFUSED)));
    rig_close(&r);
}

static void a_black_hole_costs_a_moment_only(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    add_black_hole(&r, "127.0.0.1");
    (void)add_listener(&r, "127.0.0.1", 8);
    uint64_t begin = ssp__loop_now_ms(r.loop);
    dial(&r, 0);
    assert_true(reached(&r, 1));
    assert_true(ssp__loop_now_ms(r.loop) - begin >= 200); /* the first one had its chance */
    rig_close(&r);
}

/* The kernel takes the next knocks: whose they are, and when they come again, is its choice. */
static void empty_queue(int listening)
{
    struct pollfd p = {.fd = listening, .events = POLLIN};
    while (poll(&p, 1, 0) == 1)
        (void)close(accept(listening, NULL, NULL));
}

/* The first listener answers after all, while others are being tried. */
static void the_first_that_stands_wins(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    add_black_hole(&r, "127.0.0.1");
    add_black_hole(&r, "127.0.0.2");
    assert_true(start(&r, 0));
    turn(&r, 600); /* both are under way */
    assert_int_equal(r.fd, -2);
    for (int i = 0; i < WAIT_MS / ROUND_MS && r.fd == -2; i++) {
        empty_queue(r.bound[0]);
        turn(&r, ROUND_MS);
    }
    assert_true(reached(&r, 0));
    rig_close(&r);
}

static void a_dial_may_be_cancelled_with_attempts_under_way(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    add_black_hole(&r, "127.0.0.1");
    add_black_hole(&r, "127.0.0.1");
    assert_int_equal(ssp__endpoint_set(&r.endpoint[r.n++], "name.invalid", 1), 0);
    assert_true(start(&r, 0));
    turn(&r, 400);
    ssp__dial_cancel(r.dial);
    assert_int_equal(ssp_loop_turn(r.loop, 300), 0);
    assert_int_equal(r.fd, -2);
    rig_close(&r);
}

/* Its server does not answer; nobody waits for that. */
static void a_name_is_looked_up_while_numeric_addresses_are_tried(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    assert_int_equal(ssp__endpoint_set(&r.endpoint[r.n++], "name.invalid", 1), 0);
    (void)add_listener(&r, "127.0.0.1", 8); /* its descriptor is in place 1 */
    dial(&r, 0);
    assert_true(reached(&r, 1));
    rig_close(&r);
}

static bool never(const void *arg, const struct ssp__endpoint *e, const struct ssp__address *a,
                  char why[SSP_PERMIT_WHY_MAX])
{
    (void)arg, (void)e, (void)a;
    (void)snprintf(why, SSP_PERMIT_WHY_MAX, "a rule of the test");
    return false;
}

/* The name is the one that was asked for. */
static bool only_second(const void *arg, const struct ssp__endpoint *e,
                        const struct ssp__address *a, char why[SSP_PERMIT_WHY_MAX])
{
    const struct rig *r = arg;
    assert_int_equal(e->port, ssp__address_port(a));
    return e->port == r->endpoint[1].port || never(arg, e, a, why);
}

static void an_address_that_is_not_permitted_is_not_dialed(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    r.permit = (struct ssp__permit){only_second, &r};
    (void)add_listener(&r, "127.0.0.1", 8);
    (void)add_listener(&r, "127.0.0.1", 8);
    dial(&r, 0);
    assert_true(reached(&r, 1));
    rig_close(&r);
}

static void a_dial_without_a_permitted_address_names_the_rule(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    r.permit = (struct ssp__permit){never, NULL};
    struct ssp__address bound = add_listener(&r, "127.0.0.1", 8);
    assert_int_equal(ssp__endpoint_set(&r.endpoint[0], "localhost", ssp__address_port(&bound)), 0);
    dial(&r, 0);
    assert_int_equal(r.fd, -1);
    assert_false(r.tried);
    assert_non_null(strstr(r.why, "a rule of the test"));
    rig_close(&r);
}

static void a_name_is_dialled_once_it_is_known(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)add_listener(&r, "127.0.0.1", 8);
    assert_int_equal(ssp__endpoint_set(&r.endpoint[0], "localhost", r.endpoint[0].port), 0);
    dial(&r, 0);
    assert_true(reached(&r, 0));
    rig_close(&r);
}

/* "one.example" has these ports of 127.0.0.1 and ::1; the questions about it are q. */
static void name_both(struct rig *r, void add_v4(struct rig *r, const char *host),
                      struct question q[QUESTIONS])
{
    add_v4(r, "127.0.0.1");
    uint16_t port = r->endpoint[0].port;
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, "::1", port), 0);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r->bound[1] = fd;
    if (fd == -1 || bind(fd, &a.u.any, a.len) == -1 || listen(fd, 8) == -1)
        skip(); /* no IPv6 here, or somebody has that port */
    assert_int_equal(ssp__endpoint_set(&r->endpoint[0], "one.example", port), 0);
    assert_true(start(r, 0));
    take_questions(r->server, r->loop, q);
    answer(r->server, &q[0], "127.0.0.1");
}

static bool reached_v6(const struct rig *r)
{
    struct ssp__address a = {.len = sizeof a.u};
    assert_true(r->fd >= 0);
    assert_int_equal(getpeername(r->fd, &a.u.any, &a.len), 0);
    return a.u.any.sa_family == AF_INET6;
}

/* The address that came first has failed, or hangs, when the second one comes. */
static void an_address_that_comes_late_is_tried(void **unused)
{
    void (*const first[])(struct rig *, const char *) = {add_refusal, add_black_hole};
    (void)unused;
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        struct question q[QUESTIONS];
        struct rig r;
        rig_open(&r);
        name_both(&r, first[i], q);
        turn(&r, 400);
        assert_int_equal(r.fd, -2);
        answer(r.server, &q[1], "::1");
        turn(&r, WAIT_MS);
        assert_true(reached_v6(&r));
        rig_close(&r);
    }
}

/* Nobody waits for the answer that does not come. */
static void half_an_answer_is_enough(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    name_both(&r, add_open, q);
    turn(&r, WAIT_MS);
    assert_true(reached(&r, 0));
    rig_close(&r);
}

static void when_all_addresses_have_failed_the_last_answer_ends_the_dial(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    name_both(&r, add_refusal, q);
    turn(&r, 100);
    assert_int_equal(r.fd, -2);
    deny(r.server, &q[1]);
    turn(&r, WAIT_MS);
    assert_int_equal(r.fd, -1);
    assert_non_null(strstr(r.why, "dial 127.0.0.1:"));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dials_begin_where_they_are_told),
        cmocka_unit_test(a_dial_without_memory_leaves_no_descriptor),
        cmocka_unit_test(the_stream_of_a_dial_goes_on),
        cmocka_unit_test(those_that_refuse_are_passed_over_at_once),
        cmocka_unit_test(when_all_refuse_the_failure_comes_later_and_names_one),
        cmocka_unit_test(a_black_hole_costs_a_moment_only),
        cmocka_unit_test(the_first_that_stands_wins),
        cmocka_unit_test(a_dial_may_be_cancelled_with_attempts_under_way),
        cmocka_unit_test(a_name_is_looked_up_while_numeric_addresses_are_tried),
        cmocka_unit_test(an_address_that_is_not_permitted_is_not_dialed),
        cmocka_unit_test(a_dial_without_a_permitted_address_names_the_rule),
        cmocka_unit_test(a_name_is_dialled_once_it_is_known),
        cmocka_unit_test(an_address_that_comes_late_is_tried),
        cmocka_unit_test(half_an_answer_is_enough),
        cmocka_unit_test(when_all_addresses_have_failed_the_last_answer_ends_the_dial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
