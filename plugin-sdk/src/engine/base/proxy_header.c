/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proxy_header.h"

#include <string.h>

enum { SIGNATURE = 12, HEAD = 16, LOCAL = 0x20, PROXY = 0x21, TCP4 = 0x11, TCP6 = 0x21 };

static const uint8_t signature[SIGNATURE] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                             0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* Both addresses, then both ports; zeros for a second one that is of another family. */
static size_t put_addresses(const struct ssp__address *client, const struct ssp__address *reached,
                            uint8_t *at)
{
    bool v4 = client->u.any.sa_family == AF_INET;
    bool same = reached->len > 0 && reached->u.any.sa_family == client->u.any.sa_family;
    size_t size = v4 ? sizeof client->u.v4.sin_addr : sizeof client->u.v6.sin6_addr;
    const struct ssp__address *both[] = {client, same ? reached : NULL};
    memset(at, 0, 2 * (size + sizeof(in_port_t)));
    for (size_t i = 0; i < 2 && both[i] != NULL; i++) {
        const void *host =
            v4 ? (const void *)&both[i]->u.v4.sin_addr : (const void *)&both[i]->u.v6.sin6_addr;
        in_port_t port = v4 ? both[i]->u.v4.sin_port : both[i]->u.v6.sin6_port;
        memcpy(at + i * size, host, size);
        memcpy(at + 2 * size + i * sizeof port, &port, sizeof port);
    }
    return 2 * (size + sizeof(in_port_t));
}

size_t ssp__proxy_header_write(const struct ssp__address *client,
                               const struct ssp__address *reached,
                               uint8_t header[SSP_PROXY_HEADER_MAX])
{
    struct ssp__address from = *client, to = *reached;
    size_t len = 0;
    if (from.len > 0)
        ssp__address_unmap(&from);
    if (to.len > 0)
        ssp__address_unmap(&to);
    if (from.len > 0)
        len = put_addresses(&from, &to, header + HEAD);
    memcpy(header, signature, SIGNATURE);
    header[SIGNATURE] = len > 0 ? PROXY : LOCAL;
    header[SIGNATURE + 1] = len == 0 ? 0 : from.u.any.sa_family == AF_INET ? TCP4 : TCP6;
    header[SIGNATURE + 2] = 0;
    header[SIGNATURE + 3] = (uint8_t)len;
    return HEAD + len;
}
