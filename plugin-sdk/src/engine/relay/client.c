/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/client.h"

#include "base/proxy_header.h"

#include <stddef.h>
#include <stdio.h>

void ssp__session_client(const struct ssp__session *s, struct ssp__address *client)
{
    if (s->client != NULL)
        *client = *s->client;
    else
        ssp__stream_peer_address(&s->side[SSP_ACCEPTED], client);
}

static bool name(struct ssp__session *s, const struct ssp__address *address)
{
    if (s->client == NULL)
        s->client = ssp__slab_take(&s->worker->pool.slabs, sizeof *s->client);
    s->broken = s->broken || s->client == NULL;
    if (s->client != NULL)
        *s->client = *address;
    return s->client != NULL;
}

bool ssp__session_client_of(ssp_conn *conn, struct ssp__address *address, bool names)
{
    struct ssp__session *s =
        (struct ssp__session *)(void *)((char *)conn - offsetof(struct ssp__session, conn));
    if (names)
        return name(s, address);
    ssp__session_client(s, address);
    return address->len > 0;
}

bool ssp__session_introduce(const struct ssp__session *s, struct ssp__bytes *said)
{
    uint8_t header[SSP_PROXY_HEADER_MAX];
    struct ssp__address client, reached;
    if (!s->service->introduces)
        return true;
    ssp__session_client(s, &client);
    ssp__stream_own_address(&s->side[SSP_ACCEPTED], &reached);
    return ssp__bytes_append(said, &s->worker->pool, header,
                             ssp__proxy_header_write(&client, &reached, header)) == 0;
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
