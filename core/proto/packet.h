/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.h - the Shadowsocks AEAD packet of 2017, UDP, as a codec of packets.
 *
 * On the wire: a random salt, then everything else sealed at once with nonce 0: a target header and
 * the payload.  Toward the server the header is the destination of the payload, toward the client
 * its source.
 */
#ifndef SS_PROTO_PACKET_H
#define SS_PROTO_PACKET_H

#include "base/packets.h"

/* Its configuration is a struct ss_aead_conf. */
extern const struct ssp__packets ss_aead_packets;

#endif
