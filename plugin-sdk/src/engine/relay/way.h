/* SPDX-License-Identifier: Apache-2.0 */
/*
 * way.h - one of several peers behind a service, each with a codec and keys of its own.
 *
 * A plan may name one.  A session holds it until it ends or dials another, an association of UDP
 * until it ends.  Its owner hears what becomes of it, and frees it when it is
 * not held any more.
 */
#ifndef SSP_RELAY_WAY_H
#define SSP_RELAY_WAY_H

#include "base/packets.h"
#include "net/socket.h"

#include <ssplugin/codec.h>

#include <stdatomic.h>

enum ssp__way_event {
    SSP_WAY_FAILED,   /* not dialed in time, or ended without a byte for a client that waits */
    SSP_WAY_ANSWERED, /* a session has got its first byte */
    SSP_WAY_LEFT      /* it is not held any more */
};

struct ssp__way {
    const ssp_codec *codec; /* of the role and the side that the service says */
    const void *conf;
    const struct ssp__packets *packets; /* NULL: no packet goes this way */
    const void *packets_conf;
    void *packets_scratch;                     /* for packets, zero at first */
    const struct ssp__socket_options *options; /* of the dialed socket */
    bool hosted;           /* the peer is a process of ours: ssp__service.liveness is asked */
    _Atomic unsigned held; /* for the engine to write */

    /* Called in the thread of the session.  ms: from the begin of the dial to the first byte of an
     * answer, where the client has asked at once; else 0.  No session ends, and no way is freed,
     * but by SSP_WAY_LEFT. */
    void (*note)(void *arg, enum ssp__way_event event, unsigned ms);
    void *arg;
};

static inline void ssp__way_hold(struct ssp__way *way)
{
    if (way != NULL)
        atomic_fetch_add(&way->held, 1);
}

static inline void ssp__way_leave(struct ssp__way *way)
{
    if (way == NULL)
        return;
    if (atomic_fetch_sub(&way->held, 1) == 1)
        way->note(way->arg, SSP_WAY_LEFT, 0);
}

#endif
