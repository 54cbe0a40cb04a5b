/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp_peer.h - sockets on the loopback for tests that are every client and the target themselves,
 * and the program between them, which runs while something is awaited.
 */
#ifndef SSP_TEST_UDP_PEER_H
#define SSP_TEST_UDP_PEER_H

#include "relay/program.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PEERS_TURN_MS = 2, PEERS_TURNS = 10000 };

struct peers {
    struct ssp__program program;
    struct ssp__timer turn;
};

static inline int peer_socket(void)
{
    struct ssp__address a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", 0), 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    return fd;
}

static inline uint16_t peer_port(int fd)
{
    struct ssp__address a = {.len = sizeof a.u};
    assert_int_equal(getsockname(fd, &a.u.any, &a.len), 0);
    return ssp__address_port(&a);
}

static inline void peers_turn_over(void *arg)
{
    ssp_loop_stop(((struct peers *)arg)->program.loop);
}

static inline void peers_open(struct peers *p, const char *nameservers)
{
    const char *why;
    *p = (struct peers){.turn = {.fire = peers_turn_over, .arg = p}};
    assert_int_equal(ssp__program_open(&p->program, nameservers, false, &why), 0);
}

static inline void peers_close(struct peers *p)
{
    ssp__timer_stop(&p->turn);
    ssp__program_close(&p->program);
}

static inline void peers_turn(struct peers *p)
{
    ssp__timer_start(p->program.loop, &p->turn, PEERS_TURN_MS);
    assert_int_equal(ssp_loop_run(p->program.loop), 0);
}

/* Runs the loop until fd has a packet. */
static inline ssize_t peers_await(struct peers *p, int fd, void *bytes, size_t n,
                                  struct ssp__address *from)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    for (unsigned i = 0; i < PEERS_TURNS && poll(&waiting, 1, 0) == 0; i++)
        peers_turn(p);
    assert_int_equal(waiting.revents, POLLIN);
    from->len = sizeof from->u;
    return recvfrom(fd, bytes, n, 0, &from->u.any, &from->len);
}

#endif
