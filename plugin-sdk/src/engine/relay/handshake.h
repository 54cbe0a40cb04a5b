/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.h - the part of a session that finds the target, and dials again after a failure.
 */
#ifndef SSP_RELAY_HANDSHAKE_H
#define SSP_RELAY_HANDSHAKE_H

#include "relay/session_impl.h"

/* Begins without input: a plan or a front that needs none dials at once. */
void ssp__handshake_begin(struct ssp__session *s);

/* Runs over the input so far: it may name the target, be foreign, or be incomplete. */
void ssp__handshake(struct ssp__session *s);

/* The accepted side carries several streams: begins them, each as the plan says. */
void ssp__handshake_carry(struct ssp__session *s);

/* The codec has called ssp_conn_divert(), which is possible until its target is connected, or
 * ssp_conn_recall(), which is possible while both directions go on: the plan is asked for another
 * place. */
void ssp__handshake_redirect(struct ssp__session *s);

/* A dial has failed, tried or not, see ssp__dialed_fn: the plan is asked again. */
void ssp__handshake_redial(struct ssp__session *s, enum ssp__reach reach, const char *why,
                           bool tried);

/* The front has replaced its target: the session begins again, with the client that it has. */
void ssp__handshake_again(struct ssp__session *s);

#endif
