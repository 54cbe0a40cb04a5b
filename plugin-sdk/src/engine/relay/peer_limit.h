/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_limit.h - counts the sessions of each peer that are still in GREET.
 *
 * A peer is an IPv4 address or the first half of an IPv6 address.  Constant time.
 */
#ifndef SSP_RELAY_PEER_LIMIT_H
#define SSP_RELAY_PEER_LIMIT_H

#include "base/address.h"

#include <ssplugin/drive.h>

struct ssp__peer_limit;
struct ssp__peer_limit_entry;

struct ssp__peer_limit *ssp__peer_limit_new(const ssp_world *world); /* NULL when memory is out */
void ssp__peer_limit_free(
    struct ssp__peer_limit *peer_limit); /* all peers must have left; accepts NULL */

/* Counts one more session of this peer.  NULL when max are counted already, or memory is out. */
struct ssp__peer_limit_entry *ssp__peer_limit_enter(struct ssp__peer_limit *peer_limit,
                                                    const struct ssp__address *peer, unsigned max);

/* Counts one less, and makes *peer NULL; accepts NULL in it. */
void ssp__peer_limit_leave(struct ssp__peer_limit *peer_limit, struct ssp__peer_limit_entry **peer);

#endif
