/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.h - the part of a session that ends when it is known whom to dial, and its way back.
 */
#ifndef SSP_RELAY_HANDSHAKE_H
#define SSP_RELAY_HANDSHAKE_H

#include "relay/session_impl.h"

/* Nothing has come yet: a plan or a front that needs nothing dials at once. */
void ssp__handshake_begin(struct ssp__session *s);

/* Looks at what has come: it may name the target, disown itself, or need more. */
void ssp__handshake(struct ssp__session *s);

/* The codec has called ssp_conn_divert(): the plan is asked for another place. */
void ssp__handshake_divert(struct ssp__session *s);

/* A dial has failed: the plan is asked again. */
void ssp__handshake_redial(struct ssp__session *s, const char *why);

/* Whether one more peer may begin: see ssp__limits::greeting_per_peer.  *crowd, if it is not NULL
 * then, counts it. */
bool ssp__handshake_admits(struct ssp__instance *instance, const struct ssp__service *service,
                           int fd, struct ssp__peer_limit_entry **crowd);

#endif
