/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.h - the addresses to listen at.  A name is looked up at once, which waits: at start only.
 */
#ifndef SSP_NET_LOOKUP_H
#define SSP_NET_LOOKUP_H

#include "base/address.h"

enum { SSP_LOOKUP_MAX = 16 };

/* Writes the addresses of e for sockets of that type (SOCK_STREAM, SOCK_DGRAM).  Returns how many,
 * at least 1, or -1 with a sentence in why. */
int ssp__lookup(const struct ssp__endpoint *e, int type, struct ssp__address list[SSP_LOOKUP_MAX],
                char *why, size_t why_cap);

#endif
