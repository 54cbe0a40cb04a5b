/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - the record of a session for the access log of its service, if that has one. */
#ifndef SSP_RELAY_RECORD_H
#define SSP_RELAY_RECORD_H

#include "relay/session_impl.h"

/* Without memory there is no record of this session. */
void ssp__record_begin(struct ssp__session *s);

/* Where it goes to: as its front says. */
void ssp__record_target(struct ssp__session *s);

/* Hands it to the log.  The codec is still there. */
void ssp__record_end(struct ssp__session *s);

/* Why it ends, a static word; the first one counts. */
static inline void ssp__record_reason(struct ssp__session *s, const char *reason)
{
    if (s->record != NULL && s->record->reason == NULL)
        s->record->reason = reason;
}

#endif
