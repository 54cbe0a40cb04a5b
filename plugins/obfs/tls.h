/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - tls mode: imitates the resumption of a TLS 1.2 session, then sends application records.
 *
 * The first plain bytes of the client travel as the session ticket of a ClientHello, the first of
 * the server as its Finished message.  The layout is fixed to the byte: peers in the field find
 * payload at constant offsets.
 */
#ifndef OBFS_TLS_H
#define OBFS_TLS_H

#include <ssplugin/codec.h>

#include <stdbool.h>
#include <stdint.h>

enum { OBFS_TLS_SESSION_ID = 32 };

/* One connection; zero is its beginning. */
struct obfs_tls {
    bool greeted;                            /* our first flight is out */
    bool heard;                              /* the peer's first flight is in */
    uint8_t session_id[OBFS_TLS_SESSION_ID]; /* server: the client's, echoed; valid once heard */
};

ssp_codec_fn obfs_tls_client_wrap;
ssp_codec_fn obfs_tls_client_unwrap;
ssp_codec_fn obfs_tls_server_wrap;
ssp_codec_fn obfs_tls_server_unwrap;

#endif
