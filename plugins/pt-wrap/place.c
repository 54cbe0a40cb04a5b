/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/place.h"

#include <ssplugin/env.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

size_t pt_ip_bytes(const char *ip, uint8_t bytes[16])
{
    if (inet_pton(AF_INET, ip, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, ip, bytes) == 1 ? 16 : 0;
}

int pt_place_parse(struct pt_place *place, const char *text)
{
    uint8_t bytes[16];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text)
        return -1;
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    size_t len = (size_t)(colon - text) - (bracketed ? 2 : 0);
    int port = ssp_port_parse(colon + 1);
    if (len >= sizeof place->ip || port == -1)
        return -1;
    memcpy(place->ip, text + bracketed, len);
    place->ip[len] = '\0';
    place->port = (uint16_t)port;
    return pt_ip_bytes(place->ip, bytes) == (bracketed ? 16 : 4) ? 0 : -1;
}

void pt_place_format(char out[PT_PLACE_MAX], const struct pt_place *place)
{
    bool v6 = strchr(place->ip, ':') != NULL;
    (void)snprintf(out, PT_PLACE_MAX, "%s%s%s:%u", v6 ? "[" : "", place->ip, v6 ? "]" : "",
                   place->port);
}
