/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of outgoing sockets: a real VPN end on a unix socket, and what the kernel says. */
#include "net/datagram.h"
#include "net/socket.h"
#include "net/stream.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_S = 20 };

/* Receives one descriptor and answers with one byte, or not at all. */
struct vpn {
    pthread_t thread;
    char path[64];
    int listening, answer; /* -1: silence */
    ino_t shown;           /* the socket it was shown, 0: none */
    int type;
};

static int receive_fd(int from)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec piece = {&byte, 1};
    struct msghdr m = {.msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control.bytes};
    int fd = -1;
    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m) != NULL)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}

static void *serve(void *arg)
{
    struct vpn *v = arg;
    int peer = accept(v->listening, NULL, NULL);
    int fd = receive_fd(peer);
    struct stat s;
    socklen_t len = sizeof v->type;
    char answer = (char)v->answer;
    if (fd != -1 && fstat(fd, &s) == 0) {
        v->shown = s.st_ino;
        (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &v->type, &len);
    }
    if (v->answer != -1)
        (void)send(peer, &answer, 1, MSG_NOSIGNAL);
    else
        (void)recv(peer, &answer, 1, 0); /* until the other side has lost patience */
    (void)close(fd);
    (void)close(peer);
    return NULL;
}

static void vpn_open(struct vpn *v, int answer)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval limit = {WAIT_S, 0};
    *v = (struct vpn){.answer = answer};
    (void)snprintf(v->path, sizeof v->path, "protect-%d", (int)getpid());
    memcpy(a.sun_path, v->path, sizeof v->path);
    (void)unlink(v->path);
    v->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(v->listening, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(bind(v->listening, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(v->listening, 1), 0);
    assert_int_equal(pthread_create(&v->thread, NULL, serve, v), 0);
}

static void vpn_close(struct vpn *v)
{
    (void)pthread_join(v->thread, NULL);
    (void)close(v->listening);
    (void)unlink(v->path);
}

static ino_t inode(int fd)
{
    struct stat s;
    assert_int_equal(fstat(fd, &s), 0);
    return s.st_ino;
}

static void the_vpn_is_shown_each_outgoing_socket(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct vpn v;
        const char *why = NULL;
        vpn_open(&v, 0);
        const struct ssp__socket_options o = {.protect_path = v.path};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (i == 0) {
            assert_int_equal(ssp__socket_mark(fd, &o, &why), 0);
        } else {
            (void)close(fd);
            fd = ssp__datagram_outgoing(AF_INET, &o, &why);
            assert_true(fd >= 0);
        }
        vpn_close(&v);
        assert_null(why);
        assert_int_equal(v.shown, inode(fd));
        assert_int_equal(v.type, i == 0 ? SOCK_STREAM : SOCK_DGRAM);
        (void)close(fd);
    }
}

/* TEST-NET-1: nothing is sent there, for the refusal comes first. */
static void a_connection_that_is_not_protected_fails_and_says_why(void **unused)
{
    static const struct {
        int answer;
        const char *why;
    } rows[] = {{1, "does not protect this socket"}, {-1, "does not answer"}};
    struct ssp__address a;
    (void)unused;
    assert_int_equal(ssp__address_parse(&a, "192.0.2.1", 9), 0);
    for (size_t i = 0; i < 2; i++) {
        struct vpn v;
        const char *why = NULL;
        vpn_open(&v, rows[i].answer);
        const struct ssp__socket_options o = {.protect_path = v.path};
        assert_int_equal(ssp__socket_connect(&a, &o, SSP_LISTENS, false, &why), -1);
        vpn_close(&v);
        assert_non_null(why);
        assert_non_null(strstr(why, rows[i].why));
        assert_true(v.shown != 0);
    }
    const struct ssp__socket_options nobody = {.protect_path = "no-such-socket"};
    const char *why = NULL;
    assert_int_equal(ssp__socket_connect(&a, &nobody, SSP_LISTENS, false, &why), -1);
    assert_non_null(why);
    assert_non_null(strstr(why, "listens there"));
    char longest[200];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const struct ssp__socket_options long_path = {.protect_path = longest};
    assert_int_equal(ssp__socket_connect(&a, &long_path, SSP_LISTENS, false, &why), -1);
    assert_non_null(strstr(why, "longer"));
}

/* Returns a listening socket, and where it listens. */
static int listen_on_loopback(struct ssp__address *a)
{
    assert_int_equal(ssp__address_parse(a, "127.0.0.1", 0), 0);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, &a->u.any, a->len), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, &a->u.any, &a->len), 0);
    return listening;
}

static void loopback_needs_no_protection_and_no_mark(void **unused)
{
    struct ssp__address a;
    const char *why = NULL;
    (void)unused;
    int listening = listen_on_loopback(&a);
    const struct ssp__socket_options o = {.protect_path = "no-such-socket", .fwmark = 7};
    int fd = ssp__socket_connect(&a, &o, SSP_LISTENS, false, &why), mark = -1;
    socklen_t len = sizeof mark;
    assert_true(fd >= 0);
    assert_null(why);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len), 0);
    assert_int_equal(mark, 0);
    (void)close(fd);
    (void)close(listening);
}

/* With the capability the mark is there, without it the sentence is. */
static void a_mark_is_set_or_the_capability_is_named(void **unused)
{
    const struct ssp__socket_options o = {.fwmark = 0x1234};
    const char *why = NULL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), mark = 0;
    socklen_t len = sizeof mark;
    (void)unused;
    if (ssp__socket_mark(fd, &o, &why) == 0) {
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len), 0);
        assert_int_equal(mark, 0x1234);
    } else {
        assert_int_equal(errno, EPERM);
        assert_non_null(why);
        assert_non_null(strstr(why, "CAP_NET_ADMIN"));
    }
    (void)close(fd);
}

/* Bytes that wait for a reader, until it resets the connection. */
static void what_a_reset_took_is_not_on_its_way(void **unused)
{
    struct ssp__address a;
    char much[4096] = {0};
    (void)unused;
    int listening = listen_on_loopback(&a);
    int reader = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(reader, &a.u.any, a.len), 0);
    const struct ssp__stream s = {.fd = accept(listening, NULL, NULL)};
    while (send(s.fd, much, sizeof much, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        continue;
    assert_true(ssp__stream_unacked(&s) > 0);

    struct pollfd over = {.fd = s.fd};
    assert_int_equal(
        setsockopt(reader, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)),
        0);
    (void)close(reader);
    assert_int_equal(poll(&over, 1, WAIT_S * 1000), 1);
    assert_int_equal(ssp__stream_unacked(&s), 0);
    (void)close(s.fd);
    (void)close(listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vpn_is_shown_each_outgoing_socket),
        cmocka_unit_test(a_connection_that_is_not_protected_fails_and_says_why),
        cmocka_unit_test(loopback_needs_no_protection_and_no_mark),
        cmocka_unit_test(a_mark_is_set_or_the_capability_is_named),
        cmocka_unit_test(what_a_reset_took_is_not_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
