/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram.h - UDP sockets in the loop: many packets for each system call, none of them waits.
 *
 * A packet that the kernel does not take at once is lost, as it might be anywhere on its way.
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

/* Scratch memory of one thread: what is received at once, and what is sent at once. */
struct ssp__batch;
struct ssp__batch *ssp__batch_new(void);         /* NULL when memory is out */
void ssp__batch_free(struct ssp__batch *batch);  /* accepts NULL */
void ssp__batch_flush(struct ssp__batch *batch); /* sends what waits; after each turn it is done */

/* SSP_DATAGRAM_ROOM bytes for the next packet to send; valid until then or the end of the turn. */
uint8_t *ssp__batch_room(struct ssp__batch *batch);

/* A received packet.  The bytes are the callee's to overwrite, headroom included, during the call.
 */
struct ssp__packet {
    uint8_t *bytes;
    size_t len; /* may be 0 */
    struct ssp__address peer;
    struct ssp__address reached; /* where the peer sent it to; len 0: there is only one address */
};

struct ssp__datagram;

/* Must not close the socket the packet came from. */
typedef void ssp__packet_fn(void *arg, struct ssp__datagram *from, struct ssp__packet *packet);

/* A socket that receives at a; reuse_port and v6only of o count.  Returns it, or -1 with errno. */
int ssp__datagram_bind(const struct ssp__address *a, const struct ssp__socket_options *o);

/* A socket of one family that sends with interface, bind_v4, bind_v6, fwmark and protect_path of o,
 * also to loopback.  Returns it, or -1 with errno; *why is a better sentence than errno's then
 * (static), or stays as it was. */
int ssp__datagram_outgoing(int family, const struct ssp__socket_options *o, const char **why);

/* Takes fd and calls on_packet for each packet, a bounded number in one turn of the loop; batch and
 * arg are borrowed.  NULL, with fd closed, when memory is out. */
struct ssp__datagram *ssp__datagram_open(ssp_loop *loop, struct ssp__batch *batch, int fd,
                                         ssp__packet_fn *on_packet, void *arg);
void ssp__datagram_close(struct ssp__datagram *datagram); /* accepts NULL */

/* Where a packet goes. */
struct ssp__route {
    struct ssp__address to;
    struct ssp__address
        from; /* an address of this machine without port; len 0: the system's choice */
};

/* Sends the n bytes, which lie in what ssp__batch_room() returned last. */
void ssp__datagram_send(struct ssp__datagram *datagram, const struct ssp__route *way,
                        const uint8_t *bytes, size_t n);

#endif
