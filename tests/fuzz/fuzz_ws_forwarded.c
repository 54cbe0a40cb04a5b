/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of requests that a trusted proxy has passed on.  The client that is found is an address,
 * and none of the trusted ones unless all are.
 */
#include "must.h"

#include "ws-wrap/forwarded.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct ws_trusted trusted;
    char client[WS_FORWARDED_TEXT], again[WS_FORWARDED_TEXT], head[WS_FORWARDED_TEXT + 64];
    uint8_t address[WS_ADDRESS_LEN];
    must(ws_trusted_read(&trusted, "127.0.0.1,10.0.0.0/9,2001:db8::/33") == NULL);
    struct ws_span whole = ws_span_of(input, size);
    must(!ws_forwarded_client(&trusted, "10.128.0.0", whole, client) && client[0] == '\0');
    bool found = ws_forwarded_client(&trusted, "127.0.0.1", whole, client);
    must(found == (client[0] != '\0'));
    if (!found)
        return 0;
    must(inet_pton(AF_INET, client, address) == 1 || inet_pton(AF_INET6, client, address) == 1);
    int n = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nX-Real-IP: %s\r\n\r\n", client);
    must(ws_forwarded_client(&trusted, "10.127.0.0", ws_span_of((const uint8_t *)head, (size_t)n),
                             again));
    must(strcmp(client, again) == 0);
    return 0;
}
