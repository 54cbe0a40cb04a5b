/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram.h - the datagrams of an author's codec (SIP003u), its rules enforced.  Pure: no sockets.
 */
#ifndef SSP_CODEC_DATAGRAM_H
#define SSP_CODEC_DATAGRAM_H

#include "base/io.h"
#include "base/packets.h"

/* True when the codec carries datagrams. */
bool ssp__datagram_carried(const ssp_codec *codec);

/*
 * Transforms n bytes at in to at most cap bytes at out; cap is at least n plus the codec's
 * datagram_overhead.  Returns the length, or -1: drop it, and *rule is the rule that the codec
 * broke (static), if it broke one, else as it was.
 */
ptrdiff_t ssp__datagram_run(const ssp_codec *codec, const ssp_conn *conn, ssp_dir dir,
                            const uint8_t *in, size_t n, uint8_t *out, size_t cap,
                            const char **rule);

/* The configuration of ssp__datagram_packets, borrowed. */
struct ssp__datagram_conf {
    const ssp_codec *codec;
    const void *conf; /* the codec's */
};

/* Seal and open of such a codec, without state. */
extern const struct ssp__packets ssp__datagram_packets;

#endif
