/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - the address of the client of a session: the one place that tells it. */
#ifndef SSP_RELAY_CLIENT_H
#define SSP_RELAY_CLIENT_H

#include "relay/session_impl.h"

/* The client, as the preface or the connection tells it; its len is 0 when that is unknown. */
void ssp__session_client(const struct ssp__session *s, struct ssp__address *client);

/* As ssp_conn_client() and ssp_conn_name_client() ask for it. */
bool ssp__session_client_of(ssp_conn *conn, struct ssp__address *address, bool names);

/* Appends the PROXY header (version 2) of the client to what is said first on a dialed side, where
 * the service asks for it.  Returns false when memory is out. */
bool ssp__session_introduce(const struct ssp__session *s, struct ssp__bytes *said);

/* The same without a port, or "?"; for logs.  text has SSP_HOST_MAX bytes. */
void ssp__session_client_text(const struct ssp__session *s, char text[SSP_HOST_MAX]);

#endif
