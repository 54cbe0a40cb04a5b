/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams.h - a server's mux.cool: the sessions of a client are streams of a carrier.
 */
#ifndef WS_WRAP_STREAMS_H
#define WS_WRAP_STREAMS_H

#include <ssplugin/carrier.h>

extern const ssp_carrier ws_streams_found; /* where the first bytes are those of a session */
extern const ssp_carrier ws_streams_only;  /* every connection has sessions */

#endif
