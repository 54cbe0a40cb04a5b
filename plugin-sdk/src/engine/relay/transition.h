/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transition.h - how a session passes from one state to the next, see the states in session.h.
 */
#ifndef SSP_RELAY_TRANSITION_H
#define SSP_RELAY_TRANSITION_H

#include "relay/session_impl.h"

enum { SSP_LINGER_TICK_MS = 10 };

/* Sets the state and its time limit. */
void ssp__session_enter(struct ssp__session *s, enum ssp__session_state state, unsigned limit_ms);

/* Begins the codec of a connection that has none. */
void ssp__session_begin_codec(struct ssp__session *s);
void ssp__session_end_codec(struct ssp__session *s);

/* From now on the session goes that way, which it holds, or that of the service (NULL).  The codec
 * of a dialed side has not run yet. */
void ssp__session_go(struct ssp__session *s, struct ssp__way *way);

/* Closes the dialed side, with its codec, and what waits for it. */
void ssp__session_hang_up(struct ssp__session *s);

/* Closes the dialed side of a session that can be recalled, with what waits for it and what the
 * codec has not read of it.  The codec goes on, and what waits for the accepted side is still sent.
 */
void ssp__session_leave_fallback(struct ssp__session *s);

/* Enters DIAL, by the plan of the greeting.  The result comes at once, or in on_dialed of its
 * request. */
void ssp__session_dial(struct ssp__session *s);

/* The side has its socket: notes the peer, which a socket that is reset later has no more. */
void ssp__session_note_peer(struct ssp__session *s, enum ssp__side side);

/* The dialed side stands, as stream, which the session takes: enters HOLD or RELAY. */
void ssp__session_connected(struct ssp__session *s, struct ssp__stream *stream);
void ssp__session_relay(struct ssp__session *s);

/* Logs that a dial has failed, at a bounded rate. */
void ssp__session_log_failure(const struct ssp__session *s, const char *why);

/* The session fails without a byte of the target to deliver: the front answers for it, or the
 * accepted side is reset. */
void ssp__session_unreachable(struct ssp__session *s, const char *why);

/* A direction was cut and its last bytes are written: enters LINGER until the receiver has them,
 * then resets it. */
void ssp__session_linger(struct ssp__session *s, enum ssp__side receiver);

/* From here on input of the accepted side is dropped, as if no byte had been understood. */
void ssp__session_absorb(struct ssp__session *s);

/* Ends the session with this turn. */
void ssp__session_give_up(struct ssp__session *s);

size_t ssp__greeting_size(const struct ssp__service *service);
void ssp__greeting_free(struct ssp__session *s);
void ssp__greeting_release(
    struct ssp__session *s); /* unless its front stays, or it may be recalled */

/* How long RELAY may go without a byte, and the next look at it. */
unsigned ssp__session_silence_ms(const struct ssp__session *s);
void ssp__session_watch_silence(struct ssp__session *s);

#endif
