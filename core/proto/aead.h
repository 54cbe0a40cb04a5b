/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aead.h - the Shadowsocks AEAD stream of 2017, as a codec.
 *
 * On the wire: a random salt, then chunks of [2-byte length, sealed][payload, sealed], payload
 * 1..0x3FFF bytes.  The stream's key comes from the main key and the salt; every sealed part takes
 * the next nonce.  Both roles speak the same, each direction with a salt of its own.
 *
 * There is no end marker.  An end of input between chunks is clean, and so is a stream of no bytes:
 * a target that answers nothing has no other form.  Within salt or chunk, it is a cut and fails.
 */
#ifndef SS_PROTO_AEAD_H
#define SS_PROTO_AEAD_H

#include "crypto/cipher.h"
#include "crypto/replay.h"

#include <ssplugin/codec.h>

enum {
    SS_AEAD_CHUNK_MAX = 0x3FFF, /* payload bytes of a chunk */
    SS_CHUNK_LENGTH = 2,
    SS_CHUNK_SEALED_LENGTH = SS_CHUNK_LENGTH + SS_TAG_LEN /* in front of the payload */
};

/* The codec's configuration.  Everything is borrowed or copied; the owner wipes key. */
struct ss_aead_conf {
    const struct ss_cipher *cipher;
    uint8_t key[SS_KEY_MAX];
    uint8_t prefix[SS_SALT_PREFIX_MAX]; /* of a client's salts */
    size_t prefix_len;
    struct ss_contexts *contexts; /* borrowed */
    struct ss_replay *replay;     /* borrowed; NULL: repeated salts are not noticed */
};

/* Writes SS_CHUNK_SEALED_LENGTH + n + SS_TAG_LEN bytes, in the form that streams of 2022 have, too.
 * Returns 0, or -1. */
int ss_chunk_seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out);

/* conf is a struct ss_aead_conf. */
extern const ssp_codec ss_aead_codec;

#endif
