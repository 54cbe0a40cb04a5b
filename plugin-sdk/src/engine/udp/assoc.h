/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assoc.h - UDP associations: one for each key, with sockets of its own toward targets.
 *
 * Knows no protocol: its owner reads the packets of clients, names the association and the target
 * of each, and writes the answers.  An association ends when nothing has moved for idle_ms, when
 * its lease does, or when a target refuses its packets before it had any answer.  A new one beyond
 * the limit takes the place of the least needed one: see seats.h.
 *
 * The source address of a packet may be forged.  Until a second packet has come from the same
 * address, answers to it are limited to SSP_ANSWERS_FACTOR times what it sent, and at least
 * SSP_ANSWERS_MIN bytes.
 */
#ifndef SSP_UDP_ASSOC_H
#define SSP_UDP_ASSOC_H

#include "base/io.h"
#include "base/packets.h"
#include "base/permit.h"
#include "net/datagram.h"
#include "net/resolver.h"
#include "relay/lease.h"

enum { SSP_ANSWERS_FACTOR = 10, SSP_ANSWERS_MIN = 64 * 1024 };

struct ssp__assoc;
struct ssp__assocs; /* all associations of a program */

/* Where a packet for a target goes. */
struct ssp__assoc_route {
    const struct ssp__endpoint *to;
    bool direct; /* around the codec: from a socket of its own, so that answers are told apart */
    bool local;  /* to a peer on this machine: the socket options do not apply */
    bool chosen; /* by the plan, for all clients: a name is looked up once */
    uint8_t tos;
    struct ssp__permit permit; /* asked of the addresses of a name */
    size_t header_len;         /* bytes in front of the packet, for one that is not sent */
};

/* A packet for a name that is not sent: none of its addresses is permitted, or it has none.
 * header_len bytes are in front of bytes, and SSP_PACKET_HEADROOM in front of these, which may be
 * overwritten. */
struct ssp__unsent {
    const struct ssp__endpoint *to;
    uint8_t *bytes;
    size_t n, header_len;
    uint8_t tos;
    bool direct;     /* as it was asked */
    const char *why; /* borrowed, as all of it */
};
typedef void ssp__unsent_fn(void *arg, struct ssp__assoc *assoc, const struct ssp__unsent *unsent);

/* A packet for the client of an association, from packet->peer; direct as it was asked. */
typedef void ssp__answered_fn(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet,
                              bool direct);

/* A packet to that address was refused, before the association had any answer or later. */
typedef void ssp__refused_fn(void *arg, struct ssp__assoc *assoc, const struct ssp__address *to,
                             int error, bool direct);

/* A packet of a client came through `from`. */
typedef void ssp__asked_fn(void *arg, struct ssp__datagram *from, struct ssp__packet *packet);

struct ssp__assocs_conf {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    struct ssp__batch *batch; /* of its sockets, shared with others */
    const ssp_world *world;   /* for the key of the table */
    unsigned max;             /* associations, at least 1 */
    unsigned idle_ms;
    struct ssp__socket_options accepting, outgoing; /* of the sockets toward clients and targets */
    size_t state_size;                              /* of the owner, in each association */
    void (*close)(void *state);                     /* before it is freed; NULL: nothing to do */
    ssp__asked_fn *on_asked;                        /* a packet came, from any peer */
    ssp__answered_fn *on_answered;
    ssp__refused_fn *on_refused;
    ssp__unsent_fn *on_unsent;
    void *arg; /* of all, borrowed */
};

/* NULL when memory is out. */
struct ssp__assocs *ssp__assocs_new(const struct ssp__assocs_conf *conf);
void ssp__assocs_free(struct ssp__assocs *assocs); /* accepts NULL */

/* Receives on every address of e.  Returns the port of the first, or -1 with errno and
 * a sentence in why. */
int ssp__assocs_listen(struct ssp__assocs *assocs, const struct ssp__endpoint *e, char *why,
                       size_t why_cap);

/* Receives on the sockets of another one too.  Returns 0, or -1 with errno. */
int ssp__assocs_inherit(struct ssp__assocs *assocs, const struct ssp__assocs *other);

/* Receives on this socket, too, which is taken.  Returns its port, or -1 with errno. */
int ssp__assocs_adopt(struct ssp__assocs *assocs, int fd);

/* Calls visit with each socket toward clients. */
void ssp__assocs_each_socket(const struct ssp__assocs *assocs, void (*visit)(void *arg, int fd),
                             void *arg);

/* Receives nothing of clients any more; answers go on. */
void ssp__assocs_mute(struct ssp__assocs *assocs);

unsigned ssp__assocs_count(const struct ssp__assocs *assocs);

/* SSP_DATAGRAM_ROOM bytes for the packet to send next, by one of the two functions below. */
uint8_t *ssp__assocs_room(struct ssp__assocs *assocs);

/* The key of a client that is known by its address. */
struct ssp__packet_key ssp__assoc_key(const struct ssp__datagram *from,
                                      const struct ssp__packet *packet);

/* The association of that key, or NULL; valid for the call of on_asked. */
struct ssp__assoc *ssp__assoc_find(struct ssp__assocs *assocs, const struct ssp__packet_key *key);

/* A new one with a copy of state; another may end for it.  It ends with lease, if that is not NULL.
 * NULL when memory is out. */
struct ssp__assoc *ssp__assoc_new(struct ssp__assocs *assocs, const struct ssp__packet_key *key,
                                  const struct ssp__address *peer, const void *state,
                                  struct ssp__lease *lease);
void ssp__assoc_end(struct ssp__assoc *assoc); /* not from within on_asked or on_answered */

/* True when nothing has moved for some seconds. */
bool ssp__assoc_quiet(const struct ssp__assoc *assoc);

/* Bytes that an association takes with one socket, and a state of that size. */
size_t ssp__assoc_size(size_t state_size);

void *ssp__assoc_state(struct ssp__assoc *assoc);

/* The port of its client. */
uint16_t ssp__assoc_port(const struct ssp__assoc *assoc);

/* The client's packet came through `from`: answers go back there. */
void ssp__assoc_heard(struct ssp__assoc *assoc, struct ssp__datagram *from,
                      const struct ssp__packet *packet);

/* Sends n bytes of the room to a target, at once or when its name has been looked up. */
void ssp__assoc_send(struct ssp__assoc *assoc, const struct ssp__assoc_route *route, uint8_t *bytes,
                     size_t n);

/* Sends n bytes of the room to the client: from source, an address of others, or if its len is 0,
 * from the address that the client reached.  Returns false when that would exceed the limit for an
 * address that may be forged. */
bool ssp__assoc_reply(struct ssp__assoc *assoc, const struct ssp__address *source,
                      const uint8_t *bytes, size_t n, uint8_t tos);

#endif
