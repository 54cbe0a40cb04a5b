/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.h - one stream of a connection that carries several: its own target, and the bytes that
 * wait for it.
 */
#ifndef SSP_RELAY_CHANNEL_H
#define SSP_RELAY_CHANNEL_H

#include "relay/session_impl.h"

#include <ssplugin/carrier.h>

enum { SSP_CHANNEL_HOLDS = 64 * 1024 }; /* bytes; then its connection is not read any more */

struct ssp__channel;

/* The streams behind the accepted side of one session.  Channels call turn(session) at the end of
 * each event of theirs. */
struct ssp__carrier {
    struct ssp__session *session;
    const ssp_carrier *row;
    void (*turn)(void *session);
    bool begun;            /* there are several streams: that is known */
    struct ssp__plan plan; /* of all channels */

    struct ssp__channel *channel; /* list */
    unsigned channels;
    struct ssp__channel *first, *last; /* those with bytes that cannot be read yet, in turn */
    struct ssp__channel *slow;         /* holds all that it may; NULL: none does */

    struct ssp__bytes in;  /* plain bytes of the client that have not been read */
    struct ssp__bytes say; /* heads without data, for the client */
    struct ssp__timer timer;
    max_align_t state[];
};

struct ssp__channel {
    struct ssp__channel *next, *prev; /* in carrier->channel */
    struct ssp__channel *after;       /* in carrier->first */
    struct ssp__carrier *carrier;
    uint32_t stream;
    bool queued;       /* it is in carrier->first */
    bool client_ended; /* no more bytes come for the target */
    bool shut;         /* and it has got the FIN */
    bool target_ended; /* no more bytes come from it */
    bool dead;         /* it takes no more bytes; those that it has sent may still be read */
    struct ssp__stream target;
    struct ssp__dial *dial;
    struct ssp__dial_request request;
    struct ssp__bytes up;    /* for the target */
    struct ssp__timer timer; /* limit of the dial; later, of the client's silence */
    uint64_t active_ms;      /* when a byte last moved */
};

/* Both may end it, and then say so to the client: no channel is used any more after the call. */
void ssp__channel_open(struct ssp__carrier *c, uint32_t stream); /* dials */
void ssp__channel_read(struct ssp__channel *ch); /* once, while ssp__carrier_may_say() */

struct ssp__channel *ssp__channel_find(const struct ssp__carrier *c, uint32_t stream);

/* Data of the client, and the end of them; the second one is that of the whole stream. */
void ssp__channel_deliver(struct ssp__channel *ch, const uint8_t *bytes, size_t n);
void ssp__channel_end(struct ssp__channel *ch);

/* It is over, and bytes are missing: says so to the client.  Abort says nothing. */
void ssp__channel_fail(struct ssp__channel *ch);
void ssp__channel_abort(struct ssp__channel *ch);

/* The first one of those that wait to be read, which waits no longer; NULL: none does. */
struct ssp__channel *ssp__channel_next(struct ssp__carrier *c);

/* True while the accepted side takes bytes. */
bool ssp__carrier_may_say(const struct ssp__carrier *c);

/* Says an event without data, once the accepted side takes it. */
void ssp__carrier_say(struct ssp__carrier *c, ssp_stream_event event, uint32_t stream);

#endif
