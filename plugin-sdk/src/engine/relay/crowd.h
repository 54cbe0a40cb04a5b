/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd.h - room for a connection: the oldest sessions that have not authenticated end for it, as
 * their deadline would end them.  Not from within a session.
 */
#ifndef SSP_RELAY_CROWD_H
#define SSP_RELAY_CROWD_H

#include "relay/service.h"
#include "relay/worker.h"

/* The source that peer counts for, or NULL: see ssp__limits::greeting_per_source. */
const struct ssp__address *ssp__crowd_source(const struct ssp__service *service,
                                             const struct ssp__address *peer);

/* Before a session of that source begins on fd. */
void ssp__crowd_make_room(struct ssp__worker *worker, const struct ssp__service *service,
                          const struct ssp__address *source, int fd);

/* Descriptors or memory are out.  Returns false when nothing can end. */
bool ssp__crowd_thin(struct ssp__worker *worker);

#endif
