/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - the events that a session waits for. */
#ifndef SSP_RELAY_EVENTS_H
#define SSP_RELAY_EVENTS_H

#include "relay/session_impl.h"

/* Sets those of a side.  Returns false when the system refuses. */
bool ssp__session_arm(struct ssp__session *s, enum ssp__side side);

#endif
