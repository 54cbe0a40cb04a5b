/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.h - the right of a client to have its packets relayed for as long as its connection stands:
 * UDP ASSOCIATE of SOCKS5 (RFC 1928, section 7).
 *
 * A session takes one and gives it back at its end.  UDP looks for one before it begins an
 * association.
 */
#ifndef SSP_RELAY_LEASE_H
#define SSP_RELAY_LEASE_H

#include "base/address.h"
#include "net/loop.h"

#include <pthread.h>

struct ssp__lease {
    struct ssp__leases *all;
    struct ssp__lease *prev, *next;
    struct ssp__address client; /* port 0: none has been seen yet */
    bool fixed;                 /* the client said its port */
    bool over;                  /* its session has ended on another thread */
    void *assoc;                /* NULL: none lives */
};

/* The leases of one instance.  Associations are of the thread of loop; sessions may be of others.
 */
struct ssp__leases {
    pthread_mutex_t lock;            /* guards the list, and over */
    struct ssp__lease *first, *last; /* the oldest first */
    void (*end)(void *assoc);        /* ends an association, which unbinds its lease */
    ssp_loop *loop;                  /* NULL: all sessions are of the same thread */
    struct ssp__post sweep;          /* there are some that are over */
};

/* Sessions are of other threads than loop's, too; loop is NULL: they are not. */
void ssp__leases_open(struct ssp__leases *all, ssp_loop *loop);
void ssp__leases_close(struct ssp__leases *all); /* the sessions have ended */

/*
 * A lease for the client at peer.  It says that its packets come from `source`: the port counts if
 * it is not 0 and the address is peer's, or none; a port that is not known becomes that of its
 * first packet.  NULL when memory is out.
 */
struct ssp__lease *ssp__lease_new(struct ssp__leases *all, const struct ssp__address *peer,
                                  const struct ssp__address *source);
void ssp__lease_free(struct ssp__lease *lease); /* ends its association; accepts NULL */

/*
 * The lease for packets of client, which begin an association: one of that port, else the oldest
 * without a port.  A client with several connections may have sent its packets in another order
 * than it opened these: then one whose port has no association any more, or one that is quiet, is
 * given up for the new port.  NULL: there is none.
 */
struct ssp__lease *ssp__lease_find(struct ssp__leases *all, const struct ssp__address *client,
                                   bool (*quiet)(const void *assoc));

/* The lease has an association; another one that it had ends.  ssp__lease_unbind() is due when it
 * ends. */
void ssp__lease_bind(struct ssp__lease *lease, const struct ssp__address *client, void *assoc);
void ssp__lease_unbind(struct ssp__lease *lease); /* accepts NULL */

#endif
