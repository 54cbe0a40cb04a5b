/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intercept.h - sockets for connections and packets that were sent to others, and that rules of the
 * kernel bring here (transparent proxying).
 */
#ifndef SSP_NET_INTERCEPT_H
#define SSP_NET_INTERCEPT_H

#include "net/socket.h"

struct cmsghdr;

/* Prepares a socket of packets as ssp__socket_intercept() does; it then tells for each where it was
 * sent. */
int ssp__intercept_packets(int fd, int family, const struct ssp__socket_options *o);

/*
 * The address that the client of an accepted socket dialed; own_port is that of the listener.
 *
 * Its len is 0 when it is unknown, or when the client dialed the listener itself: to dial that
 * again would never end.
 */
void ssp__intercept_dialed(int fd, enum ssp__intercept how, uint16_t own_port,
                           struct ssp__address *dialed);

/* The same for a received packet, if c, one of its control messages, tells it. */
void ssp__intercept_sent_to(const struct cmsghdr *c, uint16_t own_port, struct ssp__address *to);

/* A socket that sends packets from an address of others, prepared as those above.  Returns it, or
 * -1 with errno. */
int ssp__intercept_answering(const struct ssp__address *from, const struct ssp__socket_options *o);

#endif
