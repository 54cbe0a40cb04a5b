/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - the UDP of a service: packets of clients go through its front and its codec of packets,
 * and on from the socket of their association; answers come back the same way.
 *
 * A packet that is refused is dropped without an answer, and takes no association.
 */
#ifndef SSP_UDP_RELAY_H
#define SSP_UDP_RELAY_H

#include "base/bucket.h"
#include "base/counters.h"
#include "relay/program.h"
#include "relay/service.h"

struct ssp__udp;

struct ssp__udp_conf {
    struct ssp__program *program;       /* borrowed for its life, as all that follows */
    const struct ssp__service *service; /* an endpoint of its plan without a port is not ready */
    struct ssp__counters *counters;     /* those of the server; NULL: its own */
    const struct ssp__allowance *allowance; /* of these counters; NULL: no limit */
    struct ssp__bucket *bucket;             /* the same */
    void (*on_traffic)(void *arg);          /* a counter has changed; may be NULL */
    void *arg;
};

/* NULL when memory is out. */
struct ssp__udp *ssp__udp_open(const struct ssp__udp_conf *conf);
void ssp__udp_close(struct ssp__udp *udp); /* accepts NULL */

/* Receives on every address of e.  Returns the port of the first, or -1 with a sentence in why. */
int ssp__udp_listen(struct ssp__udp *udp, const struct ssp__endpoint *e, char *why, size_t why_cap);

/* Receives on the sockets of another one too, which may be closed then.  Returns 0, or -1 with
 * errno. */
int ssp__udp_inherit(struct ssp__udp *udp, const struct ssp__udp *other);

/* Receives on this socket, too, which is taken.  Returns 0, or -1 with errno. */
int ssp__udp_adopt(struct ssp__udp *udp, int fd);

/* Calls visit with each socket toward clients.  Accepts NULL. */
void ssp__udp_each_socket(const struct ssp__udp *udp, void (*visit)(void *arg, int fd), void *arg);

/* Leaves what clients send to others that have its sockets; answers to what came before go on.
 * Accepts NULL. */
void ssp__udp_mute(struct ssp__udp *udp);

/* Associations that live; 0 for NULL. */
unsigned ssp__udp_live(const struct ssp__udp *udp);

/* Zeros for NULL. */
struct ssp__counters ssp__udp_counters(const struct ssp__udp *udp);

#endif
