/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs/bind_hint.h"

#include "scratch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A listener on a free port of 127.0.0.1. */
static int listener(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(fd, -1);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void a_listening_port_has_an_owner_with_name_and_pid(void **unused)
{
    char text[64], mine[64];
    uint16_t port;
    int fd = listener(&port);
    (void)unused;
    assert_int_equal(prctl(PR_SET_NAME, "port owner"), 0);
    (void)snprintf(mine, sizeof mine, "port owner (pid %d)", (int)getpid());
    assert_int_equal(ssp__port_owner(SSP_TCP, port, text, sizeof text), 1);
    assert_string_equal(text, mine);
    (void)close(fd);
}

static void a_port_without_a_listener_has_no_owner(void **unused)
{
    char text[64];
    uint16_t port;
    (void)unused;
    (void)close(listener(&port));
    assert_int_equal(ssp__port_owner(SSP_TCP, port, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void a_name_cannot_forge_a_log_line(void **unused)
{
    char text[64];
    uint16_t port;
    int fd = listener(&port);
    (void)unused;
    assert_int_equal(prctl(PR_SET_NAME, "a\n\033[31mb"), 0);
    assert_int_equal(ssp__port_owner(SSP_TCP, port, text, sizeof text), 1);
    assert_memory_equal(text, "a??[31mb (", 10);
    (void)close(fd);
}

struct listening {
    int fd;
    uint16_t port;
};

/* The child's own copy of the socket is closed: it would see that one. */
static int ask_as_nobody(const void *arg)
{
    const struct listening *l = arg;
    char text[64];
    PROVE(close(l->fd) == 0);
    PROVE(setgid(65534) == 0 && setuid(65534) == 0);
    PROVE(ssp__port_owner(SSP_TCP, l->port, text, sizeof text) == 1);
    PROVE(strcmp(text, "a process of uid 0") == 0);
    return 0;
}

static void an_owner_that_may_not_be_looked_at_is_named_by_uid(void **unused)
{
    struct listening l;
    (void)unused;
    if (geteuid() != 0)
        skip();
    l.fd = listener(&l.port);
    assert_int_equal(in_child(ask_as_nobody, &l), 0);
    (void)close(l.fd);
}

static void a_socket_is_held_by_those_who_have_it_open(void **unused)
{
    struct ssp__listeners found;
    uint16_t port;
    int fd = listener(&port);
    (void)unused;
    assert_int_equal(ssp__listeners_find(&found, SSP_TCP, port), 0);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.uid[0], geteuid());
    assert_true(ssp__listeners_held(&found, getpid()));
    assert_false(ssp__listeners_held(&found, 1));
    (void)close(fd);
    assert_false(ssp__listeners_held(&found, getpid()));
}

static void a_port_that_the_program_may_not_have_is_explained(void **unused)
{
    char text[SSP_BIND_HINT_MAX], expected[SSP_BIND_HINT_MAX];
    uint16_t port;
    int fd = listener(&port);
    (void)unused;
    assert_int_equal(prctl(PR_SET_NAME, "port owner"), 0);
    (void)snprintf(expected, sizeof expected,
                   "port %u is taken by port owner (pid %d): stop it, or choose another port", port,
                   (int)getpid());
    assert_string_equal(ssp__bind_hint(EADDRINUSE, SSP_TCP, port, text), expected);
    assert_string_equal(ssp__bind_hint(EACCES, SSP_TCP, 443, text),
                        "port 443 needs CAP_NET_BIND_SERVICE: start as root, or with "
                        "AmbientCapabilities=CAP_NET_BIND_SERVICE");
    assert_null(ssp__bind_hint(EADDRINUSE, SSP_UDP, port, text));
    assert_null(ssp__bind_hint(EACCES, SSP_TCP, 8388, text));
    assert_null(ssp__bind_hint(EADDRNOTAVAIL, SSP_TCP, 443, text));
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listening_port_has_an_owner_with_name_and_pid),
        cmocka_unit_test(a_port_without_a_listener_has_no_owner),
        cmocka_unit_test(a_name_cannot_forge_a_log_line),
        cmocka_unit_test(an_owner_that_may_not_be_looked_at_is_named_by_uid),
        cmocka_unit_test(a_socket_is_held_by_those_who_have_it_open),
        cmocka_unit_test(a_port_that_the_program_may_not_have_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
