/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outgoing.h - the sockets of an association toward targets: one for each family, around the codec
 * or through it.
 *
 * A socket toward a peer that the plan has chosen, as a client's toward its server, is connected to
 * it.
 */
#ifndef SSP_UDP_OUTGOING_H
#define SSP_UDP_OUTGOING_H

#include "net/datagram.h"
#include "udp/dns_cache.h"

enum { SSP_OUTGOING_SERVERS = 16 };

struct ssp__outgoing {
    struct ssp__datagram socket; /* without a batch: not open */
    void *owner;
    struct ssp__outgoing *next; /* of the same owner; only the first is a part of it */
    bool v6 : 1, direct : 1, local : 1;
    bool heard : 1;    /* there was an answer since the last look at the route */
    uint8_t server;    /* the number of the address it is connected to, from 1 on; 0: none */
    uint32_t looked_s; /* when a connected socket last looked at its route */
};

/* The part that the sockets of all associations share. */
struct ssp__outgoings {
    struct ssp__batch *batch;                  /* borrowed, as all that is set by the owner */
    const struct ssp__socket_options *options; /* unless the peer is on this machine */
    const struct ssp__datagram_events *events;
    struct ssp__address server[SSP_OUTGOING_SERVERS]; /* chosen peers, by their numbers */
    uint8_t servers;
    bool failing; /* no socket could be opened; logged once */
};

/* The one of that socket. */
struct ssp__outgoing *ssp__outgoing_of(struct ssp__datagram *socket);

/* Sends a packet, whose bytes are in the room, and opens the socket for its way if that is missing.
 */
void ssp__outgoing_send(struct ssp__outgoing *first, struct ssp__outgoings *all,
                        const struct ssp__named_packet *packet, const struct ssp__address *to,
                        uint64_t now_ms);

/* Closes all that belong to the first one. */
void ssp__outgoing_close(struct ssp__outgoing *first);

#endif
