/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancers.h - the senders that may name the client of a connection by a PROXY header.
 */
#ifndef SSP_RELAY_BALANCERS_H
#define SSP_RELAY_BALANCERS_H

#include "base/networks.h"
#include "relay/log_limit.h"

struct ssp__balancers {
    const char *option; /* that names them, for logs (static) */
    struct ssp__networks networks;
};

/* Adds addresses and networks of a list with commas.  Returns NULL, or what is wrong about it. */
const char *ssp__balancers_add(struct ssp__balancers *balancers, const char *list);

/* False after a log line: one for each sender in ten seconds. */
bool ssp__balancers_trust(const struct ssp__balancers *balancers, const struct ssp__address *sender,
                          struct ssp__log_limit *refusals);

void ssp__balancers_release(struct ssp__balancers *balancers); /* zero is empty */

#endif
