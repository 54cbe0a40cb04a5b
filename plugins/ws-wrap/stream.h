/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - a connection behind the handshake: bytes in binary messages, and control frames
 * between them.
 */
#ifndef WS_WRAP_STREAM_H
#define WS_WRAP_STREAM_H

#include "ws-wrap/answer.h"
#include "ws-wrap/frame.h"
#include "ws-wrap/linger.h"
#include "ws-wrap/utf8.h"

/* One connection; zero is its beginning. */
struct ws_stream {
    struct ws_terms terms;
    /* The direction that is read. */
    struct ws_frame frame; /* the data frame that is being read; len is what is missing of it */
    struct ws_utf8 text;
    bool in_message, is_text, is_known;
    bool ended;     /* the peer has sent a Close frame: its direction is over */
    uint16_t heard; /* the code in it */
    /* The direction that is written. */
    bool closed; /* our Close frame has been sent */
    struct ws_linger linger;
};

/* From the call of unwrap that ends the handshake. */
void ws_stream_begin(ssp_conn *conn, struct ws_stream *s, struct ws_terms terms);

ssp_verdict ws_stream_wrap(ssp_conn *conn, struct ws_stream *s, ssp_io *io);
ssp_verdict ws_stream_unwrap(ssp_conn *conn, struct ws_stream *s, ssp_io *io);

#endif
