/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - the address of the client of a session: the one place that tells it. */
#ifndef SSP_RELAY_CLIENT_H
#define SSP_RELAY_CLIENT_H

#include "relay/session_impl.h"

/* The client, as the preface or the connection tells it; its len is 0 when that is unknown. */
void ssp__session_client(const struct ssp__session *s, struct ssp__address *client);

/* The same without a port, or "?"; for logs.  text has SSP_HOST_MAX bytes. */
void ssp__session_client_text(const struct ssp__session *s, char text[SSP_HOST_MAX]);

#endif
