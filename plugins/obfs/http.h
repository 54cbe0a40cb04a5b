/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - http mode: one upgrade request, one 101 answer, then the plain stream.
 *
 * Each head leaves in one piece with the first payload, because peers in the field look for the
 * whole head in their first read.
 */
#ifndef OBFS_HTTP_H
#define OBFS_HTTP_H

#include "obfs/request.h"

#include <ssplugin/codec.h>

/* One connection; zero is its beginning. */
struct obfs_http {
    struct obfs_request request; /* server: the head that is being judged */
    bool answered;               /* server: the 101 has been given */
};

ssp_codec_fn obfs_http_client_wrap;
ssp_codec_fn obfs_http_client_unwrap;
ssp_codec_fn obfs_http_server_wrap;
ssp_codec_fn obfs_http_server_unwrap;

#endif
