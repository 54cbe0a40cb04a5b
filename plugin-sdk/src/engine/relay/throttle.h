/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.h - sessions whose server, or whose user, has a rate: reading stops until tokens come.
 *
 * The sessions that wait for one bucket are in one queue with one deadline, and are let go in turn,
 * each with a share of the tokens.  No other overtakes them, and none holds a buffer for it.
 */
#ifndef SSP_RELAY_THROTTLE_H
#define SSP_RELAY_THROTTLE_H

#include "relay/session_impl.h"

/* True when payload of the session takes tokens. */
static inline bool ssp__throttle_applies(const struct ssp__session *s)
{
    return s->instance->meter->bucket.rate != 0 || s->conn.bucket != NULL;
}

/* The most that it may read now; SIZE_MAX: any number.  0: it has to wait, see below. */
size_t ssp__throttle_room(struct ssp__session *s);

/* At the end of a turn: waits if that turn had to, until rested(s) is called.  Returns false when
 * memory is out. */
bool ssp__throttle_wait(struct ssp__session *s, void (*rested)(void *session));

/* n bytes have passed. */
void ssp__throttle_take(struct ssp__session *s, size_t n);

/* It waits no longer, if it does, and takes no token any more of the bucket of its codec. */
void ssp__throttle_leave(struct ssp__session *s);

#endif
