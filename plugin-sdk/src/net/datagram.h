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
struct ssp_batch;
struct ssp_batch *ssp_batch_new(void);         /* NULL when memory is out */
void ssp_batch_free(struct ssp_batch *batch);  /* accepts NULL */
void ssp_batch_flush(struct ssp_batch *batch); /* sends what waits; after each turn it is done */

/* SSP_DATAGRAM_ROOM bytes for the next packet to send; valid until then or the end of the turn. */
uint8_t *ssp_batch_room(struct ssp_batch *batch);

/* A received packet.  The bytes are the callee's to overwrite, headroom included, during the call.
 */
struct ssp_packet {
    uint8_t *bytes;
    size_t len; /* may be 0 */
    struct ssp_address peer;
    struct ssp_address reached; /* where the peer sent it to; len 0: there is only one address */
};

struct ssp_datagram;

/* Must not close the socket the packet came from. */
typedef void ssp_packet_fn(void *arg, struct ssp_datagram *from, struct ssp_packet *packet);

/* A socket that receives at a; reuse_port and v6only of o count.  Returns it, or -1 with errno. */
int ssp_datagram_bind(const struct ssp_address *a, const struct ssp_socket_options *o);

/* A socket of one family that sends as interface, bind_v4, bind_v6, fwmark and protect_path of o
 * say, also to loopback.  Returns it, or -1 with errno; *why is a better sentence than errno's then
 * (static), or stays as it was. */
int ssp_datagram_outgoing(int family, const struct ssp_socket_options *o, const char **why);

/* Takes fd and calls on_packet for each packet, a bounded number in one turn of the loop; batch and
 * arg are borrowed.  NULL, with fd closed, when memory is out. */
struct ssp_datagram *ssp_datagram_open(struct ssp_loop *loop, struct ssp_batch *batch, int fd,
                                       ssp_packet_fn *on_packet, void *arg);
void ssp_datagram_close(struct ssp_datagram *datagram); /* accepts NULL */

/* Where a packet goes. */
struct ssp_way {
    struct ssp_address to;
    struct ssp_address
        from; /* an address of this machine without port; len 0: the system's choice */
};

/* Sends the n bytes, which lie in what ssp_batch_room() returned last. */
void ssp_datagram_send(struct ssp_datagram *datagram, const struct ssp_way *way,
                       const uint8_t *bytes, size_t n);

#endif
