/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mux.h - the beginning of a multiplexed stream (mux.cool), as clients of v2ray-plugin send it
 * without mux=0.
 */
#ifndef WS_WRAP_MUX_H
#define WS_WRAP_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the first bytes of a stream begin a session.  The random bytes of Shadowsocks do so
 * once in 2^40 connections. */
bool ws_mux_begins(const uint8_t *bytes, size_t n);

#endif
