/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/client.h"

#include <stdio.h>

void ssp__session_client(const struct ssp__session *s, struct ssp__address *client)
{
    if (s->client != NULL)
        *client = *s->client;
    else
        ssp__stream_peer_address(&s->side[SSP_ACCEPTED], client);
}

void ssp__session_client_text(const struct ssp__session *s, char text[SSP_HOST_MAX])
{
    struct ssp__endpoint e;
    char host[SSP_HOST_MAX];
    if (s->client == NULL) {
        ssp__stream_peer(&s->side[SSP_ACCEPTED], text, SSP_HOST_MAX);
        return;
    }
    ssp__endpoint_set_address(&e, s->client);
    (void)snprintf(text, SSP_HOST_MAX, "%s", ssp__endpoint_host(&e, host));
}
