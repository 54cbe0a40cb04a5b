/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - two sides, two pumps, one state: the life of one connection through a service.
 *
 *   PREFACE a balancer names the client first, where the service says so
 *   GREET   the accepted side sends until the target is known (front) or the codec has output
 *   DIAL    the connection to the plan's endpoint is under way; early bytes wait
 *   HOLD    connected; the target header waits a moment for the first payload
 *   RELAY   both pumps run
 *   LINGER  one side must be reset, once it has acknowledged everything before
 *   ABSORB  foreign wire input is read and dropped until the deadline of GREET; so are the bytes of
 *           a client after a request that needs no dial, until the idle limit
 *
 * A FIN becomes a FIN after the last byte; a reset, a cut inside a message or a failed
 * authentication becomes a reset behind the last good byte, never a clean end.
 */
#ifndef SSP_RELAY_SESSION_H
#define SSP_RELAY_SESSION_H

#include "relay/instance.h"

/* Begins a session on an accepted socket, which it takes.  Until it has authenticated it counts for
 * source, or for none (NULL).  reached is for the front.  service is borrowed for its life. */
void ssp__session_open(struct ssp__instance *instance, const struct ssp__service *service, int fd,
                       const struct ssp__address *source, const struct ssp__address *reached);

/* Ends it as its deadline would.  Not from within a session. */
void ssp__session_expire(struct ssp__session *session);

/* Ends it at once: both sides are reset. */
void ssp__session_abort(struct ssp__session *session);

/* The same, because the program or this part of it ends. */
void ssp__session_stop(struct ssp__session *session);

/* The sessions of this thread, see ssp__sessions_note_death(). */
void ssp__session_note_deaths(const struct ssp__instance *instance);

/* Bytes of user memory that one idle session takes, without the codec's own allocations. */
size_t ssp__session_size(const struct ssp__service *service);

#endif
