/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.h - the addresses to listen at.  A name is looked up at once, which waits: at start only.
 */
#ifndef SSP_NET_LOOKUP_H
#define SSP_NET_LOOKUP_H

#include "base/address.h"

enum { SSP_LOOKUP_MAX = 16 };

/* Writes the addresses of e for sockets of that type (SOCK_STREAM, SOCK_DGRAM); of a name those
 * that this machine has, as long as there are any.  Returns how many, at least 1, or -1 with a
 * sentence in why. */
int ssp__lookup(const struct ssp__endpoint *e, int type, struct ssp__address list[SSP_LOOKUP_MAX],
                char *why, size_t why_cap);

/* Takes the addresses that this machine does not have out of a list to listen at, with a log line
 * for each, as long as others are left.  Returns how many are left; names always are. */
unsigned ssp__lookup_drop_absent(struct ssp__endpoint *e, unsigned n);

/* True when a connection to e would come in at one of n addresses that are listened at.  A name is
 * not looked up for this, but for the one of this machine. */
bool ssp__lookup_leads_back(const struct ssp__endpoint *listen, unsigned n,
                            const struct ssp__endpoint *e);

#endif
