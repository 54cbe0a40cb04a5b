/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_impl.h - struct ssp__session, for the files that session.c is made of.
 *
 *   session.c     the table of states and events, the end of every turn
 *   events.c      those that it waits for
 *   handshake.c   the endpoint to dial
 *   carrier.c     several streams behind one accepted side; channel.c is one of them
 *   preface.c     the client that a balancer names
 *   record.c      what the access log tells of it
 *   transition.c  from one state to the next
 *   codec_timer.c when the codec asked to be called
 *   pump_io.c     one turn of one direction: read, transform, write
 *
 * Each calls those below it only.
 */
#ifndef SSP_RELAY_SESSION_IMPL_H
#define SSP_RELAY_SESSION_IMPL_H

#include "codec/front_pump.h"
#include "net/dialer.h"
#include "net/stream.h"
#include "relay/admission.h"
#include "relay/session.h"

enum ssp__session_state {
    SSP_PREFACE,
    SSP_GREET,
    SSP_DIAL,
    SSP_HOLD,
    SSP_RELAY,
    SSP_LINGER,
    SSP_ABSORB,
    SSP_STATES
};

/* How far a direction has come.  Nothing is read nor run any more once it is not open. */
enum ssp__direction_state {
    SSP_OPEN,
    SSP_ENDING, /* complete: a FIN is due behind what waits */
    SSP_SHUT,   /* that FIN is sent */
    SSP_CUT,    /* failed: a reset is due behind what waits */
    SSP_DROPPED /* the receiver is gone or no longer served */
};

enum ssp__splicing { SSP_COPY, SSP_SPLICE, SSP_COPY_ALWAYS };

/* The bytes that one side sends to the other. */
struct ssp__direction {
    struct ssp__pump pump;
    struct ssp__pipe *pipe; /* NULL unless spliced bytes wait in it */
    enum ssp__direction_state state;
    enum ssp__splicing splicing; /* SPLICE: moving much; COPY_ALWAYS: the kernel refused once */
    bool eof;                    /* the source has ended */
    bool stalled;                /* the codec stopped for lack of output room */
};

/* Needed in GREET and DIAL, as long as a front stays, and while the codec may recall. */
struct ssp__greeting {
    void *preface;                /* its state; NULL: none is awaited */
    struct ssp__front_pump front; /* its fn is NULL without one */
    enum ssp__occasion occasion;  /* on which the plan was asked last */
    unsigned failed;              /* dials since */
    bool untried;                 /* the last of them had no address to dial */
    struct ssp__plan plan;
    struct ssp__dial_request request; /* of the last dial */
    struct ssp__dial *dial;
    max_align_t front_state[];
};

struct ssp__session {
    struct ssp__instance *instance;
    struct ssp__worker *worker; /* the program's */
    const struct ssp__service *service;
    struct ssp__session *prev, *next; /* in instance->sessions */
    enum ssp__session_state state;
    bool foreign;           /* the codec disowned the input */
    bool diverted;          /* conn.divert_asked, as far as it has been carried out */
    bool broken;            /* memory is out, or bytes are lost: end it by resets */
    bool dead[2];           /* the side's socket has failed */
    bool starved;           /* it could not read for want of tokens */
    bool noted;             /* the way knows whether it answered */
    uint16_t peer_port;     /* on the coded side, for ssp__service.liveness; 0: never asked */
    uint16_t linger_ticks;  /* left */
    uint32_t dialed_ms;     /* when the dial began, while an answer to payload is awaited; 0: it is
                               not */
    uint32_t grant;         /* bytes that it may read before those who wait for tokens */
    struct ssp__wait *wait; /* for tokens, see throttle.h; NULL: it does not */
    struct ssp__way *way;   /* held; NULL: that of the service */
    uint64_t active_ms;     /* when a byte last moved in RELAY */
    uint64_t doubted_ms;    /* since when an end is held, see ssp__service.liveness; 0: none is */
    struct ssp__timer timer;
    struct ssp__stream side[2];
    struct ssp__direction dir[2]; /* by the side that is read */
    struct ssp__greeting *greeting;
    struct ssp__carrier *carrier;      /* NULL: it is one stream, or that is not known yet */
    struct ssp__applicant *applicant;  /* NULL: authenticated */
    struct ssp__address *client;       /* as a preface says; NULL: the peer, see client.h */
    struct ssp__lease *lease;          /* of its client's packets; NULL: none */
    struct ssp__access_record *record; /* see record.h; NULL: none is kept */
    ssp_conn conn;
    max_align_t codec_state[];
};

static inline enum ssp__side ssp__other(enum ssp__side side)
{
    return side == SSP_ACCEPTED ? SSP_DIALED : SSP_ACCEPTED;
}

static inline const ssp_codec *ssp__session_codec(const struct ssp__session *s)
{
    return s->way != NULL ? s->way->codec : s->service->codec;
}

/* True while the front reads the bytes of the accepted side. */
static inline bool ssp__session_fronted(const struct ssp__session *s)
{
    return s->greeting != NULL && s->greeting->front.pump.fn != NULL;
}

/* True while the front reads the bytes of the dialed side. */
static inline bool ssp__session_answering(const struct ssp__session *s)
{
    const struct ssp__front_pump *f = s->greeting != NULL ? &s->greeting->front : NULL;
    return f != NULL && f->front != NULL && f->front->answer != NULL &&
           (f->answer.fn != NULL || f->ended || ssp__bytes_len(&f->answer.in) > 0);
}

/* True when the front wants another dialed side. */
static inline bool ssp__session_replacing(const struct ssp__session *s)
{
    return s->greeting != NULL && s->greeting->front.target.replaced;
}

/* True when no byte of this direction waits for its receiver. */
static inline bool ssp__direction_flushed(const struct ssp__direction *d)
{
    return ssp__bytes_len(&d->pump.out) == 0 && d->pipe == NULL;
}

/* True while the client has so many replies to take that the front waits for it. */
static inline bool ssp__session_replies(const struct ssp__session *s)
{
    return s->greeting != NULL && s->greeting->front.full &&
           !ssp__direction_flushed(&s->dir[SSP_DIALED]);
}

/* True when every connection goes to the fallback until its codec recalls it. */
static inline bool ssp__session_begins_diverted(const struct ssp__session *s)
{
    const struct ssp__service *service = s->service;
    return service->role == SSP_SERVER && service->coded == SSP_ACCEPTED &&
           (service->codec->flags & SSP_BEGIN_DIVERTED) != 0;
}

/* True while a session at the fallback can leave it. */
static inline bool ssp__session_recallable(const struct ssp__session *s)
{
    const struct ssp__direction *up = &s->dir[SSP_ACCEPTED], *down = &s->dir[SSP_DIALED];
    return ssp__session_begins_diverted(s) && s->diverted && s->greeting != NULL &&
           up->state == SSP_OPEN && up->pump.fn != NULL && down->state == SSP_OPEN &&
           down->pump.fn != NULL;
}

/* True from ssp_conn_recall() to the end of the turn. */
static inline bool ssp__session_recalled(const struct ssp__session *s)
{
    return s->diverted && !s->conn.divert_asked;
}

#endif
