/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assoc.h - UDP associations: one for each client address, with sockets of its own toward targets.
 *
 * Knows no protocol: its owner reads the packets of clients, tells whom they are for, and writes
 * what goes back.  An association ends when nothing has moved for idle_ms.  A new one beyond the
 * limit takes the place of the least recently active one: first of those whose client never got an
 * answer, unless another one has been quiet for longer.
 */
#ifndef SSP_UDP_ASSOC_H
#define SSP_UDP_ASSOC_H

#include "base/io.h"
#include "net/datagram.h"
#include "net/resolver.h"

struct ssp__assoc;
struct ssp__assocs; /* all associations of a program */

/* A packet for the client of an association, from packet->peer. */
typedef void ssp__answered_fn(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet);

struct ssp__assocs_conf {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    const ssp_world *world; /* for the key of the table */
    unsigned max;           /* associations, at least 1 */
    unsigned idle_ms;
    struct ssp__socket_options accepting, outgoing; /* of the sockets toward clients and targets */
    ssp__packet_fn *on_asked;                       /* a packet came from whoever it may be */
    ssp__answered_fn *on_answered;
    void *arg; /* of both, borrowed */
};

/* NULL when memory is out. */
struct ssp__assocs *ssp__assocs_new(const struct ssp__assocs_conf *conf);
void ssp__assocs_free(struct ssp__assocs *assocs); /* accepts NULL */

/* Receives on every address of e.  Returns the port of the first, or -1 with a sentence in why. */
int ssp__assocs_listen(struct ssp__assocs *assocs, const struct ssp__endpoint *e, char *why,
                       size_t why_cap);

unsigned ssp__assocs_count(const struct ssp__assocs *assocs);

/* SSP_DATAGRAM_ROOM bytes for the packet to send next, by one of the two functions below. */
uint8_t *ssp__assocs_room(struct ssp__assocs *assocs);

/* The association of the client whose packet `from` received, a new one if need be; another may end
 * for it.  Valid for the call of on_asked.  NULL when memory is out. */
struct ssp__assoc *ssp__assoc_of(struct ssp__assocs *assocs, struct ssp__datagram *from,
                                 const struct ssp__packet *packet);

/* Sends n bytes of the room to a target, at once or when its name has been looked up. */
void ssp__assoc_send(struct ssp__assoc *assoc, const struct ssp__endpoint *to, const uint8_t *bytes,
                     size_t n);

/* Sends n bytes of the room to the client. */
void ssp__assoc_reply(struct ssp__assoc *assoc, const uint8_t *bytes, size_t n);

#endif
