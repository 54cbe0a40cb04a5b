/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - heads of websocket frames and the bodies of Close frames (RFC 6455, 5.2 and 7.4),
 * without I/O.
 */
#ifndef WS_WRAP_FRAME_H
#define WS_WRAP_FRAME_H

#include "ws-wrap/mask.h"

#include <stdbool.h>

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8, /* this and above: control frames */
    WS_PING = 9,
    WS_PONG = 10
};

/* Codes of a Close frame. */
enum ws_code {
    WS_NORMAL = 1000,
    WS_PROTOCOL_ERROR = 1002,
    WS_UNACCEPTABLE = 1003,
    WS_NO_CODE = 1005, /* never on the wire: the frame was empty */
    WS_BAD_TEXT = 1007
};

enum {
    WS_HEAD_MAX = 14,     /* two bytes, a length of eight, a key */
    WS_CONTROL_MAX = 125, /* payload of a control frame */
    WS_CODE_LEN = 2
};

struct ws_frame {
    bool final, masked;
    uint8_t reserved; /* the three reserved bits */
    uint8_t opcode;
    uint8_t key[WS_KEY_LEN]; /* zeros unless masked */
    uint64_t len;            /* of the payload */
};

/* Reads a head from the n bytes at wire.  Returns its length, or 0 while it is not whole: *need
 * bytes are needed to look again. */
size_t ws_frame_read(struct ws_frame *frame, const uint8_t *wire, size_t n, size_t *need);

/* Writes a head in its shortest form; returns its length. */
size_t ws_frame_write(const struct ws_frame *frame, uint8_t head[WS_HEAD_MAX]);

/* Composes a whole control frame with at most WS_CONTROL_MAX bytes of payload, masked if the frame
 * is; returns its length. */
size_t ws_frame_control(struct ws_frame frame, const void *payload,
                        uint8_t wire[WS_HEAD_MAX + WS_CONTROL_MAX]);

/* The code of a Close frame with this payload: one that may stand there, WS_NO_CODE, or 0 for one
 * that may not. */
unsigned ws_close_code(const uint8_t *payload, size_t n);

#endif
