/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end.h - one end of a websocket under test, and a peer that may say anything.
 *
 * The peer writes and reads frames by itself.  Every function asserts what it needs.
 */
#ifndef WS_WRAP_END_H
#define WS_WRAP_END_H

#include "ws-wrap/ws_wrap.h"

#include <ssplugin/drive.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* A frame of the peer's. */
struct said {
    uint8_t opcode;
    const char *payload;
    size_t len;
    bool more; /* not the last one of its message */
    uint8_t reserved;
};

struct end {
    ssp_role role;
    ssp_conf *conf;
    ssp_drive *drive;
    size_t wired; /* bytes of the output that end_hears() has read */
};

/* An end at its beginning; all random bytes are zeros, so that its masks are. */
void end_begin(struct end *end, ssp_role role, const char *options);

/* The same behind the handshake. */
void end_open(struct end *end, ssp_role role, const char *options);
void end_close(struct end *end); /* no rule has been broken */

/* Feeds the words of the peer, byte by byte if step is 1, in one piece if it is 0. */
ssp_verdict end_feed(struct end *end, const void *wire, size_t n, size_t step);

/* The frame as the peer of this end sends it, with a mask if that is a client. Returns its length.
 */
size_t end_frame(const struct end *end, const struct said *said, uint8_t *wire);

/* Takes the next frame that the end has said: its opcode, or -1 for none; the payload is borrowed
 * until the next feed.  Asserts the mask. */
int end_hears(struct end *end, const uint8_t **payload, size_t *len);

/* The plain bytes that have come out. */
const uint8_t *end_plain(const struct end *end, size_t *n);

#endif
