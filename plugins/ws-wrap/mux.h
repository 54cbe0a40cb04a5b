/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mux.h - a client's mux.cool: a codec with one session on each carrier.
 */
#ifndef WS_WRAP_MUX_H
#define WS_WRAP_MUX_H

#include <ssplugin/codec.h>

/* Nearest to the plain side, so that it has the name of the program; the websocket is around it. It
 * has no options.  At a server it names the carrier of clients that must multiplex. */
extern const ssp_codec ws_mux;

#endif
