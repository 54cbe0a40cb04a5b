/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - the server of one connection, which begins at the site.
 *
 *   HELLO      the peer's bytes pass; its ClientHello is looked at
 *   ANSWER     it was ours: the site's ServerHello is awaited
 *   HANDSHAKE  records pass, those with data of the site marked, until one has our tag
 *   DATA       the backend has taken the place of the site
 *   SITE       everything passes, for good
 */
#ifndef STLS_WRAP_SERVER_H
#define STLS_WRAP_SERVER_H

#include "stls-wrap/stls_wrap.h"

enum stls_phase { STLS_HELLO, STLS_ANSWER, STLS_HANDSHAKE, STLS_DATA_PHASE, STLS_SITE };

struct stls_server {
    enum stls_phase phase;
    struct stls_hello hello;
    struct stls_stream stream;
};

ssp_verdict stls_server_wrap(ssp_conn *conn, struct stls_server *server, ssp_io *io);
ssp_verdict stls_server_unwrap(ssp_conn *conn, struct stls_server *server, ssp_io *io);
void stls_server_close(struct stls_server *server);

#endif
