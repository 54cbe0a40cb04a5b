/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_impl.h - the inside of a session, and one turn of one of its directions: read, transform,
 * write.
 *
 * Turns move bytes and note in the direction what happened; session.c decides what follows.
 */
#ifndef SSP_RELAY_SESSION_IMPL_H
#define SSP_RELAY_SESSION_IMPL_H

#include "codec/pump.h"
#include "net/dialer.h"
#include "net/stream.h"
#include "relay/session.h"

enum ssp__session_state {
    SSP_GREET,
    SSP_DIAL,
    SSP_HOLD,
    SSP_RELAY,
    SSP_LINGER,
    SSP_ABSORB,
    SSP_STATES
};

/* The way of the bytes that one side sends. */
struct ssp__direction {
    struct ssp__pump pump;
    struct ssp__pipe *pipe; /* NULL unless spliced bytes wait in it */
    bool eof;               /* the source has ended */
    bool ended;             /* complete: a FIN is due behind what waits */
    bool shut;              /* that FIN is sent */
    bool cut;               /* failed: a reset is due behind what waits */
    bool drop;              /* the receiver is gone or no longer served */
    bool stalled;           /* the codec stopped for lack of output room */
    bool bulk;              /* clear, and moving much: worth a splice */
    bool no_splice;         /* the kernel refused once */
};

/* What only GREET and DIAL need. */
struct ssp__greeting {
    uint64_t front_state[8];
    struct ssp__target target;
    const struct ssp__endpoint *endpoint; /* the first one dialled, borrowed */
    struct ssp__dial *dial;
};

struct ssp__session {
    struct ssp__worker *worker;
    const struct ssp__service *service;
    struct ssp__session *prev, *next; /* in worker->sessions */
    enum ssp__session_state state;
    bool foreign;          /* the codec disowned the input */
    bool diverted;         /* ssp_conn_divert() has been obeyed */
    bool broken;           /* memory is out, or bytes are lost: end it by resets */
    bool dead[2];          /* the side's socket has failed */
    unsigned linger_ticks; /* left */
    uint64_t active_ms;    /* when a byte last moved in RELAY */
    struct ssp__timer timer;
    struct ssp__stream side[2];
    struct ssp__direction dir[2]; /* by the side that is read */
    struct ssp__greeting *greeting;
    struct ssp__peer_limit_entry *crowd; /* NULL: not counted, or no longer */
    ssp_conn conn;
    max_align_t codec_state[];
};

static inline enum ssp__side ssp__other(enum ssp__side side)
{
    return side == SSP_ACCEPTED ? SSP_DIALED : SSP_ACCEPTED;
}

/* True when nothing of this direction waits for its receiver. */
static inline bool ssp__direction_flushed(const struct ssp__direction *d)
{
    return ssp__bytes_len(&d->pump.out) == 0 && d->pipe == NULL;
}

/* One read of a readable side, through the codec, to the other side or into its queue. */
void ssp__pump_io_read(struct ssp__session *s, enum ssp__side from);

/* One read of a readable side into the queue before the codec. */
void ssp__pump_io_store(struct ssp__session *s, enum ssp__side from);

/* Runs the codec over what waits before it. */
void ssp__pump_io_run(struct ssp__session *s, enum ssp__side from);

/* Writes what waits for the receiver; when all is gone, goes on with stalled input. */
void ssp__pump_io_flush(struct ssp__session *s, enum ssp__side from);

/* Reads and forgets. */
void ssp__pump_io_absorb(struct ssp__session *s, enum ssp__side from);

/* Nothing more reaches the receiver of this direction. */
void ssp__direction_drop(struct ssp__session *s, enum ssp__side from);

#endif
