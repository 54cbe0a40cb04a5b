/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram.h - UDP sockets in the loop: many packets for each system call, none of them waits.
 *
 * A packet that the kernel does not take at once is lost, as it might be anywhere on its way.  The
 * type of service (RFC 2474) and the congestion mark (RFC 3168) of a packet come with it, and leave
 * with it.  Packets of one size to one address leave as one message, and come as one, where the
 * kernel knows that (UDP_SEGMENT, UDP_GRO).
 */
#ifndef SSP_NET_DATAGRAM_H
#define SSP_NET_DATAGRAM_H

#include "net/loop.h"
#include "net/socket.h"

enum {
    SSP_DATAGRAM_MAX = 65535,    /* bytes of the longest packet */
    SSP_DATAGRAM_HEADROOM = 512, /* writable bytes in front of a received packet */
    SSP_DATAGRAM_TAILROOM = 512, /* room for a packet that grows under way */
    SSP_DATAGRAM_ROOM = SSP_DATAGRAM_HEADROOM + SSP_DATAGRAM_MAX + 1 + SSP_DATAGRAM_TAILROOM
};

/* Sockets of one thread: one event of the loop for all of them, which saves memory where there are
 * many, and scratch memory for what is received at once, and what is sent at once. */
struct ssp__batch;
struct ssp__batch *ssp__batch_new(ssp_loop *loop); /* NULL with errno */
void ssp__batch_free(struct ssp__batch *batch);    /* accepts NULL; its sockets are closed */
void ssp__batch_flush(struct ssp__batch *batch); /* sends what waits; after each turn it is done */

/* SSP_DATAGRAM_ROOM bytes for the next packet to send; valid until then or the end of the turn. */
uint8_t *ssp__batch_room(struct ssp__batch *batch);

/* A received packet.  The bytes are the callee's to overwrite, SSP_DATAGRAM_HEADROOM in front of
 * them included, during the call. */
struct ssp__packet {
    uint8_t *bytes;
    size_t len; /* may be 0 */
    struct ssp__address peer;
    struct ssp__address reached; /* where the peer sent it to; len 0: there is only one address, or
                                    it was not sent to others */
    uint8_t tos;                 /* type of service and congestion mark */
};

struct ssp__datagram;

struct ssp__datagram_events {
    /* Must not close the socket the packet came from. */
    void (*packet)(struct ssp__datagram *from, struct ssp__packet *packet);
    /* A packet to that address was not delivered, says the network, with an errno; may close the
     * socket.  NULL: the kernel is not asked. */
    void (*refused)(struct ssp__datagram *from, const struct ssp__address *to, int error);
};

/* Embedded in its owner. */
struct ssp__datagram {
    struct ssp__batch *batch;
    const struct ssp__datagram_events *events;
    int fd;            /* counts only with a batch */
    uint16_t mtu;      /* longer packets are lost, headers of IP and UDP included; 0: none */
    uint16_t own_port; /* 0, or the port of a socket for what was sent to others */
    uint16_t alone;    /* packets that go without company: the kernel has refused a run of them */
    bool connected;
};

/* A socket that receives at a; reuse_port, v6only, mtu and intercept of o count.  Returns it, or
 * -1 with errno. */
int ssp__datagram_bind(const struct ssp__address *a, const struct ssp__socket_options *o);

/* A socket of one family that sends with interface, bind_v4, bind_v6, fwmark, protect_path and mtu
 * of o, also to loopback.  Returns it, or -1 with errno; *why is a better sentence than errno's
 * then (static), or stays as it was. */
int ssp__datagram_outgoing(int family, const struct ssp__socket_options *o, const char **why);

/* Takes fd and reports its packets, a bounded number in one turn of the loop.  batch and events are
 * borrowed.  Returns 0, or -1 with errno and fd closed. */
int ssp__datagram_open(struct ssp__datagram *d, struct ssp__batch *batch, int fd, unsigned mtu,
                       const struct ssp__datagram_events *events);
void ssp__datagram_close(struct ssp__datagram *d); /* accepts a zeroed one */

/* Reports no packets any more; it still sends. */
void ssp__datagram_mute(struct ssp__datagram *datagram);

/* From now on its packets go to that address and come from it only, and no route is looked up for
 * each.  Returns false when there is no way to it, or for NULL: then it has no peer. */
bool ssp__datagram_connect(struct ssp__datagram *datagram, const struct ssp__address *to);

/* True when fd, a socket that is connected, too, has the same address of this machine. */
bool ssp__datagram_same_source(const struct ssp__datagram *datagram, int fd);

/* A second descriptor of its socket, for another one.  Returns it, or -1 with errno. */
int ssp__datagram_share(const struct ssp__datagram *datagram);

/* Where a packet goes. */
struct ssp__route {
    struct ssp__address to;
    struct ssp__address
        from; /* an address of this machine without port; len 0: the system's choice */
    uint8_t tos;
};

/* Sends the n bytes, which are copied unless they lie in what ssp__batch_room() returned last. */
void ssp__datagram_send(struct ssp__datagram *datagram, const struct ssp__route *way,
                        const uint8_t *bytes, size_t n);

#endif
