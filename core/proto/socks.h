/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks.h - the server half of SOCKS5 (RFC 1928), SOCKS4 and SOCKS4a, as a front.
 *
 * CONNECT, and where UDP is relayed UDP ASSOCIATE; RESOLVE of Tor where the entrance has names. The
 * configuration is a struct ss_entrance, or NULL.  With users, a client names itself by RFC 1929,
 * and SOCKS4 is refused; without, a client that offers nothing but a name and a password is served
 * with any.  Success is answered before the dial: it saves the client a round trip, and a failed
 * dial then shows as a reset.
 */
#ifndef SS_PROTO_SOCKS_H
#define SS_PROTO_SOCKS_H

#include "base/front.h"
#include "base/packets.h"

extern const struct ssp__front ss_socks_front;

/* The same as functions, for a front that has more to offer. */
struct ss_socks_state {
    unsigned state;
    struct ssp__address reached; /* by the client; none: UDP is not relayed */
};

ssp_verdict ss_socks_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target);
void ss_socks_open(ssp_conn *conn, void *state, const struct ssp__address *reached);

/* The same where UDP is relayed at the address that the client reached: UDP ASSOCIATE is answered
 * with it, and ends the dialogue with SSP_END. */
extern const struct ssp__front ss_socks_udp_front;

/* Datagrams of SOCKS5 (RFC 1928, section 7): three bytes, then a target header and the payload. */
extern const struct ssp__packet_front ss_socks_packet_front;

#endif
