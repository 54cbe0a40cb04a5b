/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.h - one direction of a connection: input that waits, the codec, output that waits.
 *
 * Pure: no sockets, and the clock of the view only.  The session lends a view (ssp_io) with input
 * and scratch output, runs the pump, writes the pieces away, and stores the rest in the queues.
 */
#ifndef SSP_CODEC_PUMP_H
#define SSP_CODEC_PUMP_H

#include "base/bytes.h"
#include "base/io.h"

struct ssp__pump {
    ssp_codec_fn *fn;      /* NULL: identity */
    size_t need, scanned;  /* carried from view to view, see ssp_io */
    uint64_t ahead;        /* the same */
    uint32_t min_room;     /* output room a call needs */
    bool consumed;         /* the same */
    bool unwraps;          /* its output is plain */
    bool waits;            /* its last call has called ssp_wait() */
    bool again;            /* the codec answered OK: it may have more output without more input */
    const char *rule;      /* the rule the codec broke, or NULL */
    struct ssp__bytes in;  /* input that the codec left unread */
    struct ssp__bytes out; /* output that could not be written yet */
};

/* Room that the view's output scratch must have for a codec with this min_room. */
size_t ssp__pump_min_room(const ssp_codec *codec);

/* Makes a zeroed pump one direction of codec. */
void ssp__pump_init(struct ssp__pump *pump, const ssp_codec *codec, ssp_dir dir);

/* Lends the pump's cursor to a view whose in, in_len, eof and out are set, and takes it back.
 * Begin also empties the view. */
void ssp__pump_lend(const struct ssp__pump *pump, ssp_io *io);
void ssp__pump_begin(const struct ssp__pump *pump, ssp_io *io);
void ssp__pump_finish(struct ssp__pump *pump, const ssp_io *io);

/* Its input has another source from here on. */
void ssp__pump_forget(struct ssp__pump *pump);

/* When the codec is to be called for its timer; SSP_NEVER, also while a promise to pass stands. */
uint64_t ssp__pump_due_ms(const struct ssp__pump *pump, const ssp_conn *conn);

/*
 * Runs the codec over the view until it needs something.  A timer that is due fires, if the view
 * lets it.
 *
 * Returns SSP_OK       the view is full: write the pieces, flush it, run again
 *         SSP_MORE     more input is wanted, or the codec has recalled the connection
 *         SSP_END      the direction is complete behind the pieces
 *         SSP_FOREIGN  nothing was consumed; the input is not the codec's
 *         SSP_FAIL     cut behind the pieces: protocol error, truncation or broken rule
 * SSP_CLEAR never leaves this function: pump->fn becomes NULL and the input is passed.
 */
ssp_verdict ssp__pump_run(struct ssp__pump *pump, ssp_conn *conn, void *state, ssp_io *io);

#endif
