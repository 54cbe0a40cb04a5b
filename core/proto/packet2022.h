/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet2022.h - the Shadowsocks packet of 2022 (SIP022), UDP, as a codec of packets.
 *
 * With AES: a separate header, encrypted as one block: session and number; an identity header for
 * each key in front of a client's own (SIP023); a body, sealed with the key of the session: type,
 * time, from a server the session of the client, padding, a target header, the payload.
 * With ChaCha: a nonce, and a body that begins with session and number, sealed with the main key.
 *
 * A client begins a session for each of its associations, and a server one for each of its clients'
 * sessions.  A window over the numbers of a session refuses what has come before, and a session
 * whose association has ended is remembered for a minute.
 */
#ifndef SS_PROTO_PACKET2022_H
#define SS_PROTO_PACKET2022_H

#include "base/packets.h"

/* Its configuration is a struct ss_2022_conf. */
extern const struct ssp__packets ss_2022_packets;

#endif
