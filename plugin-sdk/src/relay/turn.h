/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn.h - the inside of a session, and one turn of one of its directions: read, transform, write.
 *
 * Turns move bytes and note in the direction what happened; session.c decides what follows.
 */
#ifndef SSP_RELAY_TURN_H
#define SSP_RELAY_TURN_H

#include "net/dialer.h"
#include "net/stream.h"
#include "relay/pump.h"
#include "relay/session.h"

enum ssp_session_state {
    SSP_GREET,
    SSP_DIAL,
    SSP_HOLD,
    SSP_RELAY,
    SSP_LINGER,
    SSP_ABSORB,
    SSP_STATES
};

/* The way of the bytes that one side sends. */
struct ssp_direction {
    struct ssp_pump pump;
    struct ssp_pipe *pipe; /* NULL unless spliced bytes wait in it */
    bool eof;              /* the source has ended */
    bool ended;            /* complete: a FIN is due behind what waits */
    bool shut;             /* that FIN is sent */
    bool cut;              /* failed: a reset is due behind what waits */
    bool drop;             /* the receiver is gone or no longer served */
    bool stalled;          /* the codec stopped for lack of output room */
    bool bulk;             /* clear, and moving much: worth a splice */
    bool no_splice;        /* the kernel refused once */
};

/* What only GREET and DIAL need. */
struct ssp_greeting {
    uint64_t front_state[8];
    struct ssp_target target;
    const struct ssp_endpoint *endpoint; /* the first one dialled, borrowed */
    struct ssp_dial *dial;
};

struct ssp_session {
    struct ssp_worker *worker;
    const struct ssp_service *service;
    struct ssp_session *prev, *next; /* in worker->sessions */
    enum ssp_session_state state;
    bool foreign;          /* the codec disowned the input */
    bool diverted;         /* ssp_conn_divert() has been obeyed */
    bool broken;           /* memory is out, or bytes are lost: end it by resets */
    bool dead[2];          /* the side's socket has failed */
    unsigned linger_ticks; /* left */
    uint64_t active_ms;    /* when a byte last moved in RELAY */
    struct ssp_timer timer;
    struct ssp_stream side[2];
    struct ssp_direction dir[2]; /* by the side that is read */
    struct ssp_greeting *greeting;
    struct ssp_crowd_peer *crowd; /* NULL: not counted, or no longer */
    ssp_conn conn;
    max_align_t codec_state[];
};

static inline enum ssp_side ssp_other(enum ssp_side side)
{
    return side == SSP_ACCEPTED ? SSP_DIALED : SSP_ACCEPTED;
}

/* True when nothing of this direction waits for its receiver. */
static inline bool ssp_direction_flushed(const struct ssp_direction *d)
{
    return ssp_bytes_len(&d->pump.out) == 0 && d->pipe == NULL;
}

/* One read of a readable side, through the codec, to the other side or into its queue. */
void ssp_turn_read(struct ssp_session *s, enum ssp_side from);

/* One read of a readable side into the queue before the codec. */
void ssp_turn_store(struct ssp_session *s, enum ssp_side from);

/* Runs the codec over what waits before it. */
void ssp_turn_run(struct ssp_session *s, enum ssp_side from);

/* Writes what waits for the receiver; when all is gone, goes on with stalled input. */
void ssp_turn_flush(struct ssp_session *s, enum ssp_side from);

/* Reads and forgets. */
void ssp_turn_absorb(struct ssp_session *s, enum ssp_side from);

/* Nothing more reaches the receiver of this direction. */
void ssp_direction_drop(struct ssp_session *s, enum ssp_side from);

#endif
