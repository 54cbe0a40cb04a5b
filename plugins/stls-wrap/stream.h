/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - records of shadow-tls: those of the site that the server marks, and the data behind
 * the handshake.
 *
 * A record of data is 17 03 03, the length, a tag, and the data as they are.  Its tag goes on from
 * those before it.
 */
#ifndef STLS_WRAP_STREAM_H
#define STLS_WRAP_STREAM_H

#include "stls-wrap/hello.h"

#include <ssplugin/codec.h>

enum {
    STLS_HEADER_LEN = 5,
    STLS_ALERT = 0x15,
    STLS_DATA = 0x17,
    STLS_PREFIX_LEN = STLS_HEADER_LEN + STLS_TAG_LEN,
    STLS_PAYLOAD_MAX = 16384 - STLS_TAG_LEN, /* a record with it is as long as one of TLS */
    STLS_PAD_LEN = 32
};

struct stls_stream {
    EVP_MAC_CTX *site;           /* over the site's records; NULL: no more */
    EVP_MAC_CTX *send, *receive; /* over the data of each direction */
    uint8_t pad[STLS_PAD_LEN];   /* hides the site's records */
    bool tls13;
};

/* The three of a connection of this role.  Returns false when memory is out. */
bool stls_stream_begin(struct stls_stream *stream, const char *password, const EVP_MAC_CTX *key,
                       ssp_role role, const struct stls_answer *answer);
void stls_stream_release(struct stls_stream *stream);

/* The site's records are over. */
void stls_stream_end_site(struct stls_stream *stream);

/* Adds the pad to n bytes, from from to to, which may be the same: a second time takes it off. */
void stls_stream_pad(const struct stls_stream *stream, const uint8_t *from, uint8_t *to, size_t n);

/* The tag of a record of the site's, of which n padded bytes are at bytes. */
bool stls_stream_site_tag(struct stls_stream *stream, const uint8_t *bytes, size_t n,
                          uint8_t tag[STLS_TAG_LEN]);

/* True when a record of n bytes, header included, is data with the next tag: nothing has changed
 * then. */
bool stls_stream_expects(const struct stls_stream *stream, const uint8_t *record, size_t n);

/* The directions of a codec. */
ssp_verdict stls_stream_wrap(ssp_conn *conn, struct stls_stream *stream, ssp_io *io);
ssp_verdict stls_stream_unwrap(ssp_conn *conn, struct stls_stream *stream, ssp_io *io);

#endif
