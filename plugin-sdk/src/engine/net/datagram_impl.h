/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram_impl.h - the inside of a batch, for datagram.c, datagram_receive.c and datagram_send.c.
 *
 * A message of the kernel is one packet or a run of them: of one size but for the last, which may
 * be shorter (UDP_GRO, UDP_SEGMENT).  A run costs one passage through the network's code.
 */
#ifndef SSP_NET_DATAGRAM_IMPL_H
#define SSP_NET_DATAGRAM_IMPL_H

#include "net/datagram.h"

#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    SSP_BATCH_IN = 16,          /* messages of one system call */
    SSP_BATCH_OUT = 64,         /* packets */
    SSP_OUT_MEMORY = 128 << 10, /* of packets that wait: they lie close together */
    SSP_BATCH_SOCKETS = 32      /* of one turn */
};

/* Control messages: a local address, a type of service, and the size of segments. */
union ssp__control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(struct sockaddr_in6)) + 2 * CMSG_SPACE(sizeof(int))];
};

/* Received: a slot of memory for each message. */
struct ssp__inbox {
    uint8_t *memory;
    struct mmsghdr message[SSP_BATCH_IN];
    struct iovec piece[SSP_BATCH_IN];
    union ssp__control control[SSP_BATCH_IN];
    struct ssp__address peer[SSP_BATCH_IN];
};

/* Packets that wait, in order, and the messages that are made of them when they are sent. */
struct ssp__outbox {
    struct ssp__datagram *sender; /* of all that waits */
    unsigned waiting;
    uint8_t *memory;
    size_t used; /* of memory: the next packet begins there */
    struct iovec piece[SSP_BATCH_OUT];
    struct msghdr packet[SSP_BATCH_OUT];
    union ssp__control control[SSP_BATCH_OUT];
    struct ssp__address to[SSP_BATCH_OUT];
    struct mmsghdr message[SSP_BATCH_OUT];
    uint8_t run[SSP_BATCH_OUT]; /* packets of each message */
};

struct ssp__batch {
    int epoll_fd; /* of all sockets */
    struct ssp__watch *readable;
    /* The sockets of this turn that have still to be looked at: from at to end. */
    struct epoll_event ready[SSP_BATCH_SOCKETS];
    int ready_at, ready_end;
    struct ssp__inbox in;
    struct ssp__outbox out;
};

bool ssp__datagram_is_v4(const struct ssp__address *a); /* in whatever form */

/* datagram_receive.c: the socket is ready for these events of epoll. */
void ssp__datagram_ready(struct ssp__datagram *datagram, uint32_t events);

#endif
