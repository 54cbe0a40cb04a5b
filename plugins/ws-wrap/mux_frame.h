/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mux_frame.h - frames of mux.cool, which v2ray-plugin speaks inside of its websocket unless it has
 * mux=0, without I/O.
 */
#ifndef WS_WRAP_MUX_FRAME_H
#define WS_WRAP_MUX_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_mux_status { WS_MUX_NEW = 1, WS_MUX_KEEP = 2, WS_MUX_END = 3, WS_MUX_ALIVE = 4 };

/* Bits of the options, and the network of a New. */
enum { WS_MUX_DATA = 1, WS_MUX_ERROR = 2, WS_MUX_UDP = 2 };

enum {
    WS_MUX_LENGTH = 2, /* of metadata, and of data */
    WS_MUX_FIXED = 4,  /* metadata of every frame: session, status, options */
    WS_MUX_HEAD = 8,   /* of a Keep with data */
    WS_MUX_LOOK = 11   /* as many of the first bytes tell whether they are a New */
};

struct ws_mux_frame {
    uint16_t session;
    uint8_t status, options;
    uint8_t network; /* of a New; else 0 */
    uint16_t data;   /* bytes behind the head */
};

/* Reads a head from n bytes.  Returns its length; 0 while it is not whole, and *need bytes are
 * needed to look again; -1 for what is none. */
ptrdiff_t ws_mux_read(struct ws_mux_frame *frame, const uint8_t *bytes, size_t n, size_t *need);

/* Writes the head of a frame other than a New; returns its length. */
size_t ws_mux_write(const struct ws_mux_frame *frame, uint8_t head[WS_MUX_HEAD]);

/* The first n bytes of a stream: 1 when they are those of a session, 0 when they are not, -1 while
 * that is open.  The random bytes of Shadowsocks are such once in 2^40 connections. */
int ws_mux_begins(const uint8_t *bytes, size_t n);

#endif
