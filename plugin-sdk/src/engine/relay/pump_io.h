/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump_io.h - one turn of one direction of a session: read, transform, write.
 *
 * Turns move bytes and record the result in the direction; session.c decides the next step.
 */
#ifndef SSP_RELAY_PUMP_IO_H
#define SSP_RELAY_PUMP_IO_H

#include "relay/session_impl.h"

/* Both directions go through the codec of the service, or through none. */
void ssp__pump_io_code(struct ssp__session *s, bool coded);

/* One read of a readable side, through the codec, to the other side or into its queue. */
void ssp__pump_io_read(struct ssp__session *s, enum ssp__side from);

/* The same for bytes that no socket of the session brings: they are put behind those that wait
 * already, at most *room of them, and then n are there. */
uint8_t *ssp__pump_io_lend(struct ssp__session *s, enum ssp__side from, size_t *room);
void ssp__pump_io_feed(struct ssp__session *s, enum ssp__side from, size_t n);

/* One read of a readable side into the queue before the front or, without one, before the codec. */
void ssp__pump_io_store(struct ssp__session *s, enum ssp__side from);

/* Runs the front over the bytes that wait before it.  Its output waits where the accepted side is
 * plain: before the codec, or behind it.  Beyond GREET its failure cuts the direction. */
ssp_verdict ssp__pump_io_front(struct ssp__session *s);

/* Runs the front over the bytes of the target, to the client.  At their end, or when the target is
 * not reached, its verdict is that of the direction. */
void ssp__pump_io_answer(struct ssp__session *s);

/* Runs the codec over the bytes that wait before it. */
void ssp__pump_io_run(struct ssp__session *s, enum ssp__side from);

/* Writes the bytes that wait for the receiver; when none is left, goes on with stalled input. */
void ssp__pump_io_flush(struct ssp__session *s, enum ssp__side from);

/* The same as long as the receiver takes some: the rest is about to be dropped. */
void ssp__pump_io_flush_all(struct ssp__session *s, enum ssp__side from);

/* The direction has failed: what was written still arrives, then a reset.  The way back has no
 * purpose any more.  A front that answers has the last word about a target. */
void ssp__pump_io_cut(struct ssp__session *s, enum ssp__side from);

/* Reads bytes and drops them.  Returns true when there may be many more. */
bool ssp__pump_io_absorb(struct ssp__session *s, enum ssp__side from);

/* Tells the way, once for each dial, whether it answered. */
void ssp__session_note(struct ssp__session *s, enum ssp__way_event event);

/* A client's codec that keeps plain bytes back waits for an answer of its peer. */
bool ssp__session_shakes_hands(const struct ssp__session *s);

/* Sends no more bytes to the receiver of this direction.  A direction that was cut stays so: its
 * reset is still due. */
void ssp__direction_drop(struct ssp__session *s, enum ssp__side from);

#endif
