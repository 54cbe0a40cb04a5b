/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - the client of one connection: a handshake with the site, then data.
 */
#ifndef STLS_WRAP_CLIENT_H
#define STLS_WRAP_CLIENT_H

#include "stls-wrap/stls_wrap.h"

#include <openssl/ssl.h>

enum stls_stage {
    STLS_BEGIN,
    STLS_SHAKING,
    STLS_LEFTOVERS, /* data; records of the site may still come */
    STLS_FLOWING,   /* data */
    STLS_REFUSED    /* the server is none of ours: it is taken leave of */
};

struct stls_client {
    enum stls_stage stage;
    bool marked; /* the last record with data of the site had the server's tag */
    SSL *ssl;    /* NULL before and behind the handshake */
    struct stls_stream stream;
};

ssp_verdict stls_client_wrap(ssp_conn *conn, struct stls_client *client, ssp_io *io);
ssp_verdict stls_client_unwrap(ssp_conn *conn, struct stls_client *client, ssp_io *io);
void stls_client_close(struct stls_client *client);

#endif
