/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.h - the Shadowsocks AEAD packet of 2017: UDP.
 *
 * On the wire: a random salt, then everything else sealed at once with nonce 0: a target header and
 * the payload.  Toward the server the header says whom the payload is for, toward the client whom
 * it comes from.  Between ss-local and its users the same header and payload stand behind three
 * bytes of SOCKS5 (RFC 1928, section 7) and are not sealed.
 */
#ifndef SS_PROTO_PACKET_H
#define SS_PROTO_PACKET_H

#include "base/front.h"
#include "crypto/key.h"
#include "proto/aead.h"

/* Two reserved bytes and the number of the fragment, which is always 0 here. */
enum { SS_SOCKS_PREFIX = 3 };

/* What a packet says.  payload is borrowed from the bytes it was read from. */
struct ss_packet {
    struct ssp__target target;
    const uint8_t *payload;
    size_t len;
    const char *why; /* it was refused, a static phrase */
};

/* Bytes that sealing adds. */
size_t ss_packet_overhead(const struct ss_cipher *cipher);

/* Writes plain.len + overhead bytes; plain is header and payload.  The salt (cipher->salt_len
 * random bytes) is remembered, so that our packet is refused when it is sent back to us.  Returns
 * 0, or -1 when the library fails. */
int ss_packet_seal(const struct ss_aead_conf *conf, const uint8_t *salt, struct ss_span plain,
                   uint8_t *out);

/* Opens a sealed packet: n - overhead bytes at out, which does not overlap in.  Returns 0, or -1
 * with packet->why: not authentic, seen before, or without a target. */
int ss_packet_open(struct ss_packet *packet, const struct ss_aead_conf *conf, struct ss_span in,
                   uint8_t *out);

/* Writes the target header of an address in front of payload, where SSP_TARGET_HEADER_MAX bytes are
 * free.  Returns the length of the header. */
size_t ss_packet_put_source(uint8_t *payload, const struct ssp__address *source);

/* Reads a datagram of a SOCKS5 client.  Returns 0, or -1 with packet->why. */
int ss_packet_read_socks(struct ss_packet *packet, const uint8_t *in, size_t n);

#endif
