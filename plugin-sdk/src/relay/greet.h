/* SPDX-License-Identifier: Apache-2.0 */
/*
 * greet.h - the part of a session that ends when it is known whom to dial, and its way back.
 */
#ifndef SSP_RELAY_GREET_H
#define SSP_RELAY_GREET_H

#include "relay/turn.h"

/* What came may name the target, disown itself, or need more. */
void ssp_greet(struct ssp_session *s);

/* The codec has called ssp_conn_divert(): whatever is dialled now, it is to be the fallback. */
void ssp_greet_divert(struct ssp_session *s);

/* Whether one more peer may begin: see ssp_limits::greeting_per_peer.  *crowd, if it is not NULL
 * then, counts it. */
bool ssp_greet_admits(struct ssp_worker *w, const struct ssp_service *service, int fd,
                      struct ssp_crowd_peer **crowd);

/* For the above, in session.c. */
void ssp_session_dial(struct ssp_session *s, const struct ssp_endpoint *endpoint,
                      unsigned endpoints);
void ssp_session_absorb(struct ssp_session *s);
void ssp_session_give_up(struct ssp_session *s);

#endif
