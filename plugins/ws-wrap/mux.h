/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mux.h - mux.cool, which v2ray-plugin speaks inside of its websocket unless it has mux=0.
 *
 * The client is a codec of its own, with one session on each carrier.  Servers only recognise it.
 */
#ifndef WS_WRAP_MUX_H
#define WS_WRAP_MUX_H

#include <ssplugin/codec.h>

/* Nearest to the plain side, so that it has the name of the program; the websocket is around it. It
 * has no options, and no server: the setup of ws_wrap refuses that. */
extern const ssp_codec ws_mux;

/* As many of the first bytes of a stream tell whether they begin a session; fewer do not. */
enum { WS_MUX_LOOK = 11 };

/* True when the first bytes of a stream begin a session.  The random bytes of Shadowsocks do so
 * once in 2^40 connections. */
bool ws_mux_begins(const uint8_t *bytes, size_t n);

#endif
