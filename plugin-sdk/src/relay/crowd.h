/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd.h - how many sessions of each peer have not said yet what they want.
 *
 * A peer is an IPv4 address or the first half of an IPv6 address.  Constant time.
 */
#ifndef SSP_RELAY_CROWD_H
#define SSP_RELAY_CROWD_H

#include "base/address.h"

#include <ssplugin/drive.h>

struct ssp_crowd;
struct ssp_crowd_peer;

struct ssp_crowd *ssp_crowd_new(const ssp_world *world); /* NULL when memory is out */
void ssp_crowd_free(struct ssp_crowd *crowd); /* everybody must have left; accepts NULL */

/* Counts one more of this peer.  NULL when max are there already, or memory is out. */
struct ssp_crowd_peer *ssp_crowd_enter(struct ssp_crowd *crowd, const struct ssp_address *peer,
                                       unsigned max);

/* Counts one less, and makes *peer NULL; accepts NULL in it. */
void ssp_crowd_leave(struct ssp_crowd *crowd, struct ssp_crowd_peer **peer);

#endif
