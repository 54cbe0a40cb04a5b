/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h - how sockets are made: every option is set here and nowhere else.
 */
#ifndef SSP_NET_SOCKET_H
#define SSP_NET_SOCKET_H

#include "base/address.h"

#include <stdbool.h>

/* How rules of the kernel bring what was sent to others: see intercept.h. */
enum ssp__intercept { SSP_NO_INTERCEPT, SSP_REDIRECT, SSP_TPROXY };

/* Zero is the default for each. */
struct ssp__socket_options {
    bool fast_open, mptcp, reuse_port;
    bool v6only;             /* listening on :: leaves IPv4 alone */
    unsigned sndbuf, rcvbuf; /* bytes; 0: the kernel's autotuning */
    unsigned keep_alive_s;   /* silence before TCP asks the peer; 0: never; not on loopback */
    unsigned user_timeout_s; /* TCP_USER_TIMEOUT; 0: the kernel's; the same */
    unsigned
        mtu; /* UDP: packets that exceed it are lost, and none is fragmented; 0: the kernel's */
    const char *interface;                        /* outgoing: SO_BINDTODEVICE; not on loopback */
    const struct ssp__address *bind_v4, *bind_v6; /* outgoing address by family; not on loopback */
    unsigned fwmark;                              /* outgoing: SO_MARK; not on loopback; 0: none */
    enum ssp__intercept intercept; /* listening: plain TCP, whose sockets have the fwmark, too */
    const char *protect_path; /* outgoing: the unix stream socket of an Android VPN, relative to the
                                 working directory, which gets each socket; not on loopback */
};

/* Sockets made here reset their connection when they are closed, unless by ssp__stream_close(). */

/* True unless no interface of this machine has the address, nor is about to have it. */
bool ssp__socket_is_here(const struct ssp__address *a);

/* Binds fd.  An IPv6 address that the kernel still checks for duplicates is bound in advance, with
 * a log line.  Returns 0, or -1 with errno. */
int ssp__socket_bind(int fd, const struct ssp__address *a);

/* A listening socket.  Returns the descriptor, or -1 with errno. */
int ssp__socket_listen(const struct ssp__address *a, const struct ssp__socket_options *o,
                       bool paced);

/* A socket that listens at a already, as one of systemd: those that it accepts get these options,
 * too, as far as they can be set by now. */
void ssp__socket_adopt(int fd, const struct ssp__address *a, const struct ssp__socket_options *o,
                       bool paced);

/* Prepares a socket that is not bound yet: TPROXY brings it what was sent to other addresses, and
 * the mark keeps its answers out of the rules.  Returns 0, or -1 with errno: EPERM without
 * CAP_NET_ADMIN. */
int ssp__socket_intercept(int fd, int family, const struct ssp__socket_options *o);

/* Whether bytes follow as soon as a connection stands.  The acknowledgement of the handshake
 * travels with them then, on loopback: four packets less, and the peer wakes up once, with a
 * connection that has bytes.  A real network sees the usual handshake. */
enum ssp__first_word { SSP_LISTENS, SSP_SPEAKS };

/* A socket whose connection to a is under way.  Returns the descriptor, or -1 with errno; *why is a
 * better sentence than errno's then (static), or stays as it was. */
int ssp__socket_connect(const struct ssp__address *a, const struct ssp__socket_options *o,
                        enum ssp__first_word first, bool paced, const char **why);

/* Gives fd, an outgoing socket that is not connected yet and not for loopback, its fwmark and shows
 * it to the VPN; waits at most SSP_PROTECT_MS for that.  Returns 0, or -1 with errno and *why as
 * above. */
enum { SSP_PROTECT_MS = 3000 };
int ssp__socket_mark(int fd, const struct ssp__socket_options *o, const char **why);

#endif
