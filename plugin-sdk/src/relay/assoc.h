/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assoc.h - UDP associations: one for each client address, with sockets of its own toward targets.
 *
 * Knows no protocol: its owner reads the packets of clients, tells whom they are for, and writes
 * what goes back.  An association ends when nothing has moved for idle_ms.  A new one beyond the
 * limit takes the place of the least recently active one: first of those whose client never got an
 * answer, unless another one has been quiet for longer.
 */
#ifndef SSP_RELAY_ASSOC_H
#define SSP_RELAY_ASSOC_H

#include "base/io.h"
#include "net/datagram.h"
#include "net/resolver.h"

struct ssp_assoc;
struct ssp_assocs; /* all associations of a program */

/* A packet for the client of an association, from packet->peer. */
typedef void ssp_answered_fn(void *arg, struct ssp_assoc *assoc, struct ssp_packet *packet);

struct ssp_assocs_conf {
    struct ssp_loop *loop;
    struct ssp_resolver *resolver;
    const ssp_world *world; /* for the key of the table */
    unsigned max;           /* associations, at least 1 */
    unsigned idle_ms;
    struct ssp_socket_options accepting, outgoing; /* of the sockets toward clients and targets */
    ssp_packet_fn *on_asked;                       /* a packet came from whoever it may be */
    ssp_answered_fn *on_answered;
    void *arg; /* of both, borrowed */
};

/* NULL when memory is out. */
struct ssp_assocs *ssp_assocs_new(const struct ssp_assocs_conf *conf);
void ssp_assocs_free(struct ssp_assocs *assocs); /* accepts NULL */

/* Receives on every address of e.  Returns the port of the first, or -1 with a sentence in why. */
int ssp_assocs_listen(struct ssp_assocs *assocs, const struct ssp_endpoint *e, char *why,
                      size_t why_cap);

unsigned ssp_assocs_count(const struct ssp_assocs *assocs);

/* SSP_DATAGRAM_ROOM bytes for the packet to send next, by one of the two functions below. */
uint8_t *ssp_assocs_room(struct ssp_assocs *assocs);

/* The association of the client whose packet `from` received, a new one if need be; another may end
 * for it.  Valid for the call of on_asked.  NULL when memory is out. */
struct ssp_assoc *ssp_assoc_of(struct ssp_assocs *assocs, struct ssp_datagram *from,
                               const struct ssp_packet *packet);

/* Sends n bytes of the room to a target, at once or when its name has been looked up. */
void ssp_assoc_send(struct ssp_assoc *assoc, const struct ssp_endpoint *to, const uint8_t *bytes,
                    size_t n);

/* Sends n bytes of the room to the client. */
void ssp_assoc_reply(struct ssp_assoc *assoc, const uint8_t *bytes, size_t n);

#endif
