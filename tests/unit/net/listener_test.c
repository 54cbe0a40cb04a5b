/* SPDX-License-Identifier: Apache-2.0 */
/* A listener when the kernel gives no connection, whatever the error. */
#include "net/listener.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ssplugin/log.h>

#include <cmocka.h>

enum { WINDOW_MS = 350, CALLS_MAX = 80, LINES_MAX = 1 };

/* Not static: the linker replaces accept4 by it. */
int __real_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);

static struct {
    int error;      /* 0: none */
    unsigned calls; /* of accept4() */
    unsigned lines;
    unsigned accepted, asked;
    bool room;
} seen;

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    seen.calls++;
    if (seen.error == 0)
        return __real_accept4(fd, peer, len, flags);
    errno = seen.error;
    return -1;
}

static void count_line(void *arg, ssp_log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)line;
    seen.lines++;
}

static void accepted(void *arg, int fd, const struct ssp__address *peer)
{
    (void)arg;
    assert_true(ssp__address_loopback(peer));
    seen.accepted++;
    (void)close(fd);
}

static bool asked(void *arg)
{
    (void)arg;
    seen.asked++;
    if (seen.room)
        seen.error = 0;
    return seen.room;
}

struct rig {
    ssp_loop *loop;
    struct ssp__listener *listener;
    int client;
};

/* A listener with one connection that waits. */
static void rig_open(struct rig *r)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", 0), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, &a.u.any, &a.len), 0);
    r->loop = ssp_loop_new();
    r->listener = ssp__listener_open(r->loop, fd, accepted, asked, NULL);
    assert_non_null(r->listener);
    r->client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(r->client, &a.u.any, a.len), 0);
    ssp_log_redirect(count_line, NULL);
}

static void rig_close(struct rig *r)
{
    ssp_log_redirect(NULL, NULL);
    (void)close(r->client);
    ssp__listener_close(r->listener);
    ssp_loop_free(r->loop);
}

static void turn_for(ssp_loop *loop, unsigned ms)
{
    uint64_t begin = ssp__loop_now_ms(loop);
    while (ssp__loop_now_ms(loop) - begin < ms)
        assert_int_equal(ssp_loop_turn(loop, 50), 0);
}

static void no_error_spins_or_floods_the_log(void **state)
{
    static const int errors[] = {EPERM,  ENETDOWN, EPROTO,       EIO,        EMFILE,    ENFILE,
                                 ENOMEM, ENOBUFS,  EINVAL,       EBADF,      ENOTSOCK,  EINTR,
                                 EFAULT, EACCES,   ECONNABORTED, EOPNOTSUPP, ETIMEDOUT, 4711};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct rig r;
        seen = (__typeof__(seen)){.error = errors[i]};
        rig_open(&r);
        turn_for(r.loop, WINDOW_MS);
        assert_in_range(seen.calls, 1, CALLS_MAX);
        assert_int_equal(seen.lines, LINES_MAX);
        seen.error = 0;
        uint64_t begin = ssp__loop_now_ms(r.loop);
        while (seen.accepted == 0 && ssp__loop_now_ms(r.loop) - begin < 10000)
            assert_int_equal(ssp_loop_turn(r.loop, 50), 0);
        assert_int_equal(seen.accepted, 1);
        rig_close(&r);
    }
}

static void descriptors_that_are_released_are_used_at_once(void **state)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct rig r;
        seen = (__typeof__(seen)){.error = errors[i], .room = true};
        rig_open(&r);
        while (seen.calls == 0)
            assert_int_equal(ssp_loop_turn(r.loop, 50), 0);
        assert_int_equal(seen.asked, 1);
        assert_int_equal(seen.accepted, 1);
        assert_int_equal(seen.lines, 0);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_error_spins_or_floods_the_log),
        cmocka_unit_test(descriptors_that_are_released_are_used_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
