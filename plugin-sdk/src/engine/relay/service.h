/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - the row of data that makes a session of a given program.
 *
 * A service is const after start-up and shared by all sessions.  ss-local, ss-server and every
 * plugin are one such row; no program has a relay of its own.
 */
#ifndef SSP_RELAY_SERVICE_H
#define SSP_RELAY_SERVICE_H

#include "base/access_record.h"
#include "base/liveness.h"
#include "base/packets.h"
#include "base/preface.h"
#include "net/socket.h"
#include "relay/lease.h"
#include "relay/log_limit.h"
#include "relay/plan.h"

#include <ssplugin/codec.h>

/* The two sides of a session. */
enum ssp__side { SSP_ACCEPTED = 0, SSP_DIALED = 1 };

/* Milliseconds a session may stay in a state. */
struct ssp__limits {
    unsigned greet_ms;  /* from accept until the target is known; also the end of a drain */
    unsigned dial_ms;   /* until the connection stands */
    unsigned hold_ms;   /* a client's header waits this long for the first payload; 0: not at all */
    unsigned idle_ms;   /* without a byte in either direction */
    unsigned linger_ms; /* for the last bytes to be acknowledged before a reset */

    unsigned associations; /* UDP clients at once */

    /* Sessions of one source (IPv6: of one /64) that may be unauthenticated at once; 0: as many as
     * the limit of descriptors suggests, and any number from loopback, where all look alike. */
    unsigned greeting_per_source;
};

/* Asked with the port that the peer on the coded side has.  The answer must not be older than the
 * call. */
typedef enum ssp__liveness ssp__liveness_fn(const void *arg, uint16_t port);

/* refusals limits the log lines of this thread. */
typedef bool ssp__admit_fn(const void *arg, const struct ssp__address *client,
                           struct ssp__log_limit *refusals);

struct ssp__service {
    const char *name;     /* for logs */
    enum ssp__side coded; /* the side with wire bytes */
    ssp_role role;        /* of the codec */
    const ssp_codec *codec;
    const void *conf;                     /* the codec's, borrowed */
    size_t state_room, packet_state_room; /* of the largest states among its ways; 0: no ways */

    const ssp_carrier
        *carrier; /* of a server without a front; NULL: each connection is one stream */

    const struct ssp__packets *packets;           /* the codec of UDP; NULL: none is relayed */
    const void *packets_conf;                     /* borrowed */
    const struct ssp__packet_front *packet_front; /* NULL: packets are payload */
    const void *packet_front_conf;                /* borrowed */
    struct ssp__leases *leases; /* packets of clients need one; NULL: they do not; borrowed */

    const struct ssp__front *front; /* NULL: the plan needs no target */
    const void *front_conf;         /* the front's, borrowed */

    ssp__plan_fn *plan;
    const void *plan_arg; /* borrowed */

    /* The first bytes of every connection, which name the client; NULL: there are none. */
    const struct ssp__preface *preface;
    ssp__admit_fn *trusts; /* asked, with plan_arg, at accept, of the sender of a preface */

    /* The dialed side hears the address of the client first, in a PROXY header; not that of foreign
     * and diverted connections. */
    bool introduces;

    /* Asked, with plan_arg, of the address of each client, once it is known and for every packet.
     * False after a log line: it is not served.  NULL: all are. */
    ssp__admit_fn *admit;

    /* Tells whether the process on the coded side lives, where that is a plugin: a process that
     * dies ends its streams like one that is done.  NULL: every end is taken for what it looks
     * like. */
    ssp__liveness_fn *liveness;
    const void *liveness_arg; /* borrowed */

    const struct ssp__access_log
        *access_log; /* hears of each session and association; NULL: none */

    struct ssp__limits limits;
    struct ssp__socket_options accepted, dialed; /* of each side's sockets */
};

#endif
