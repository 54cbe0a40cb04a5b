/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel.h - the front that asks nothing: every client has the same target.
 */
#ifndef SS_PROTO_TUNNEL_H
#define SS_PROTO_TUNNEL_H

#include "base/front.h"
#include "base/packets.h"

/* The configuration of both is a struct ssp__target. */
extern const struct ssp__front ss_tunnel_front;

/* Packets of clients are payload: their target header comes and goes here. */
extern const struct ssp__packet_front ss_tunnel_packet_front;

#endif
