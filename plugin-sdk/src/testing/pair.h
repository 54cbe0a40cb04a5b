/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair.h - both ends of a codec on one connection, and the streams between them.
 *
 * Functions that return int answer -1 when a law is broken, and have noted which.
 */
#ifndef SSP_TESTING_PAIR_H
#define SSP_TESTING_PAIR_H

#include <ssplugin/testing.h>

#include "testing/chance.h"

#include <stdbool.h>

enum { CLIENT, SERVER };

enum {
    GREETING_LEN = 16,  /* a first flight that every codec can send */
    FEED_MAX = 262145,  /* plain bytes in the last feed: the largest size class but one */
    SPLIT_DEFAULT = 64, /* ssp_law_subject::split_payload */
    TARGET_LEN = 7      /* of the target header that a client's stream begins with */
};

/* How a stream is cut into feeds. */
struct cutter {
    enum { WHOLE, RANDOM, BYTES, ONCE } how;
    size_t at; /* ONCE: offset of the cut in the stream */
};

struct law_run {
    const ssp_law_subject *subject;
    ssp_world world;
    struct ssp__chance chance;
    struct cutter plain, wire;
    bool least_window; /* the ends get the smallest output window */
    bool ticks;        /* timers fire between inputs, at random */
    bool timed;        /* there was one */
    char trial[160];   /* what is tried now */
    char *why;         /* the broken law */
    size_t why_cap;
};

/* One direction, named after the end that sends. */
struct pair_stream {
    uint8_t *text;       /* what is sent, owned */
    size_t sent, got;    /* plain bytes */
    size_t carried;      /* wire bytes */
    ssp_verdict verdict; /* of the receiver's last call */
};

struct pair {
    struct law_run *run;
    ssp_drive *end[2];
    struct pair_stream stream[2];
};

/* Notes the broken law, behind what is tried.  Returns -1. */
int ssp__broken(struct law_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ssp__wrong_verdict(struct pair *p, int end, ssp_dir dir, ssp_verdict verdict);

const char *ssp__end_name(int end);

/* The direction goes on. */
static inline bool ssp__living(ssp_verdict verdict)
{
    return verdict == SSP_MORE || verdict == SSP_CLEAR;
}

/* A new connection for size bytes each way behind a greeting.  Closed by the caller, even if -1. */
int ssp__pair_open(struct pair *p, struct law_run *run, size_t size);
void ssp__pair_close(struct pair *p);

/* Carries the dialogue that precedes `from`: a server answers a client.  later: both have spoken.
 */
int ssp__pair_prepare(struct pair *p, int from, bool later);

/* Lets the time pass until the next timer of either end.  Returns 1, or 0 when none is set. */
int ssp__pair_tick(struct pair *p);

/* One feed of n plain bytes, which stay on the wire. */
int ssp__pair_wrap(struct pair *p, int from, size_t n);

/* Moves one piece of what waits on the wire.  fin: the end of the wire comes with its last byte.
 * Returns 1, or 0 when nothing waits. */
int ssp__pair_carry_one(struct pair *p, int from, bool fin);
int ssp__pair_carry(struct pair *p, int from, bool fin); /* all of it; 1: there was something */

/* Carries in both directions until nothing waits: replies to replies, too. */
int ssp__pair_settle(struct pair *p);

/* Wraps and carries n bytes, cut as the law run asks. */
int ssp__pair_say(struct pair *p, int from, size_t n);

/* Takes the plain bytes that arrived and compares them with what was sent. */
int ssp__pair_take_plain(struct pair *p, int from);

/* All that was sent must be there: interactive protocols wait for it. */
int ssp__pair_arrived(struct pair *p, int from);

/* Ends a stream: an event of its own, or one feed with the last bytes, on both faces. */
int ssp__pair_finish(struct pair *p, int from, size_t last);

#endif
