/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preface.h - the beginning of a session behind a balancer: its first bytes name the client.
 */
#ifndef SSP_RELAY_PREFACE_H
#define SSP_RELAY_PREFACE_H

#include "relay/session_impl.h"

/* Before the first byte.  Returns false when memory is out. */
bool ssp__preface_begin(struct ssp__session *s);

/* Reads on.  Returns true once the client is known and admitted; else the session waits, or is to
 * end. */
bool ssp__preface_read(struct ssp__session *s);

/* None came in time: the session is to end. */
void ssp__preface_expired(struct ssp__session *s);

/* None came before there were too many: the session is to end. */
void ssp__preface_displaced(struct ssp__session *s);

void ssp__preface_end(struct ssp__session *s); /* accepts a session without one */

#endif
