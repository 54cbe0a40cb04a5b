/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the body of an HTTP/1 message: how long it is, and how it is chunked (RFC 9112). */
#ifndef SS_HTTP_BODY_H
#define SS_HTTP_BODY_H

#include "http/head.h"

enum ss_http_framing {
    SS_HTTP_NO_BODY,
    SS_HTTP_LENGTH,
    SS_HTTP_CHUNKED,
    SS_HTTP_UNTIL_END /* of the connection; only of a response */
};

enum ss_http_part {
    SS_HTTP_SIZE, /* the line of a chunk's size */
    SS_HTTP_BYTES,
    SS_HTTP_BYTES_END, /* the line end behind a chunk */
    SS_HTTP_TRAILER    /* fields, and an empty line */
};

/* Zero is the body of a message without one. */
struct ss_http_body {
    enum ss_http_framing framing;
    enum ss_http_reading reading;
    enum ss_http_part part; /* of a chunked body */
    bool done;
    uint64_t left;    /* of the length, or of the chunk */
    unsigned trailer; /* bytes so far */
};

void ss_http_body_begin(struct ss_http_body *body, enum ss_http_framing framing, uint64_t length,
                        enum ss_http_reading reading);

/*
 * The next bytes of a body that is not done, of the n > 0 at p.
 *
 * Returns how many, at most n; *payload tells them from framing.  0: more must come first, at most
 * a few KiB; -1: the framing is broken.
 */
ptrdiff_t ss_http_body_next(struct ss_http_body *body, const uint8_t *p, size_t n, bool *payload);

#endif
