/* SPDX-License-Identifier: Apache-2.0 */
/* Ports for plugins, and who receives on one. */
#include "host/ready/port.h"

#include "net/socket.h"
#include "procfs/listening.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 20 };

static int bound(int type, uint16_t port)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", port), 0);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_not_equal(fd, -1);
    if (bind(fd, &a.u.any, a.len) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Others may take a port between the choice and the proof, but not always. */
static void a_free_port_is_free_for_what_the_mode_needs(void **unused)
{
    unsigned free_ones = 0;
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        uint16_t port = ssp__port_free("127.0.0.1", SSP_TCP_AND_UDP);
        assert_int_not_equal(port, 0);
        int tcp = bound(SOCK_STREAM, port), udp = bound(SOCK_DGRAM, port);
        free_ones += tcp != -1 && udp != -1;
        (void)close(tcp);
        (void)close(udp);
    }
    assert_true(free_ones > ROUNDS / 2);
}

static void an_address_that_is_not_here_has_no_port(void **unused)
{
    uint16_t port = 0;
    (void)unused;
    assert_int_equal(ssp__port_free("192.0.2.1", SSP_TCP_ONLY), 0);
    assert_int_equal(ssp__port_free("192.0.2.1", SSP_TCP_AND_UDP), 0);
    assert_int_equal(ssp__port_listen("192.0.2.1", SSP_TCP_ONLY, false, &port), -1);
}

static void a_plugin_for_udp_alone_is_handed_no_listener(void **unused)
{
    uint16_t port = 0;
    (void)unused;
    assert_int_equal(ssp__port_listen("127.0.0.1", SSP_UDP_ONLY, false, &port), -1);
}

static void tcp_and_udp_are_told_apart(void **unused)
{
    uint16_t port = 0;
    bool foreign;
    (void)unused;
    int tcp = ssp__port_listen("127.0.0.1", SSP_TCP_AND_UDP, false, &port);
    assert_int_not_equal(tcp, -1);
    assert_int_equal(ssp__listening(getpid(), SSP_TCP, port, &foreign), 1);
    assert_int_equal(ssp__listening(getpid(), SSP_UDP, port, &foreign), 0);
    int udp = bound(SOCK_DGRAM, port);
    assert_int_not_equal(udp, -1);
    assert_int_equal(ssp__listening(getpid(), SSP_UDP, port, &foreign), 1);
    assert_false(foreign);
    (void)close(tcp);
    (void)close(udp);
}

static void a_port_may_be_asked_for(void **unused)
{
    uint16_t port = 0, again;
    (void)unused;
    int first = ssp__port_listen("127.0.0.1", SSP_TCP_ONLY, false, &port);
    again = port;
    assert_int_equal(ssp__port_listen("127.0.0.1", SSP_TCP_ONLY, false, &again), -1);
    (void)close(first);
    int second = ssp__port_listen("127.0.0.1", SSP_TCP_ONLY, false, &again);
    assert_int_not_equal(second, -1);
    assert_int_equal(again, port);
    (void)close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_port_is_free_for_what_the_mode_needs),
        cmocka_unit_test(an_address_that_is_not_here_has_no_port),
        cmocka_unit_test(a_plugin_for_udp_alone_is_handed_no_listener),
        cmocka_unit_test(a_port_may_be_asked_for),
        cmocka_unit_test(tcp_and_udp_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
