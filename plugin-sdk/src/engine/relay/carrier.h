/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carrier.h - a session whose accepted side carries several streams, see ssplugin/carrier.h: it has
 * a channel for each in place of its dialed side.
 */
#ifndef SSP_RELAY_CARRIER_H
#define SSP_RELAY_CARRIER_H

#include "relay/session_impl.h"

/* In GREET: looks at the first plain bytes.  Returns true while they do not tell, and when there
 * are several streams: s->carrier is there then.  turn(s) is called to go on. */
bool ssp__carrier_looks(struct ssp__session *s, void (*turn)(void *session));

/* True when the streams may begin, by a plan that the session then asks for. */
bool ssp__carrier_due(const struct ssp__session *s);

/* Enters RELAY, each stream by that plan. */
void ssp__carrier_begin(struct ssp__session *s, const struct ssp__plan *plan);

/* The rest is for sessions with a carrier, the last one accepts others. */

/* In each turn: moves what can move, and ends the directions of the accepted side when they are
 * complete. */
void ssp__carrier_turn(struct ssp__session *s);

/* True while no more of the client is to be read. */
bool ssp__carrier_full(const struct ssp__session *s);

/* Ends the streams without a byte for the idle limit; accepts a session without a carrier. */
void ssp__carrier_sweep(struct ssp__session *s);

/* Resets all streams. */
void ssp__carrier_free(struct ssp__session *s);

#endif
