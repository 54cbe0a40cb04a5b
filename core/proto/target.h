/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h - the Shadowsocks target header: type, address, port.
 *
 * Type 1 is an IPv4 address, 4 an IPv6 address, 3 a length byte and a name; the port is big-endian.
 * SOCKS5 requests carry the same form (RFC 1928, section 5).
 *
 * A name that is a numeric address counts as that address.  Names are printable ASCII.
 */
#ifndef SS_PROTO_TARGET_H
#define SS_PROTO_TARGET_H

#include "base/front.h"
#include "base/packets.h"

/* Fills *t from text; host may be an IPv6 literal with brackets.  Returns 0, or -1 when host is
 * neither a name nor a numeric address, or port is 0. */
int ss_target_set(struct ssp__target *t, const char *host, uint16_t port);

/* Fills *t from an address with a port.  Returns 0, or -1 when the port is 0. */
int ss_target_set_address(struct ssp__target *t, const struct ssp__address *a);

/* Fills *t from "host:port" or "[ipv6]:port".  Returns 0, or -1 when the text is not of that form.
 */
int ss_target_read(struct ssp__target *t, const char *text);

/*
 * Reads the header at the start of the n bytes at p.
 *
 * Returns SSP_OK    *t is filled, *size is the length of the header
 *         SSP_MORE  *size is the number of bytes to come back with
 *         SSP_FAIL  *why is a static phrase, as log filters know it: "invalid address type",
 *                   "invalid host name length", "invalid host name", "invalid port"; *size is 0
                   for an unknown type
 */
ssp_verdict ss_target_parse(struct ssp__target *t, const uint8_t *p, size_t n, size_t *size,
                            const char **why);

/* The front of a server: the first plain bytes are a target header. */
extern const struct ssp__front ss_target_front;

/* The same for packets: a header is the destination of the payload, or its source. */
extern const struct ssp__packet_front ss_target_packet_front;

/* Puts the header of t, which becomes its target, in front of a packet. */
void ss_target_prepend(struct ssp__packet_io *p, const struct ssp__target *t);

/* Reads the header that a packet begins with.  Returns its length, or -1 with p->why. */
int ss_target_of_packet(struct ssp__packet_io *p, struct ssp__target *t);

#endif
