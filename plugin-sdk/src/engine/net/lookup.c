/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lookup.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

int ssp__lookup(const struct ssp__endpoint *e, int type, struct ssp__address list[SSP_LOOKUP_MAX],
                char *why, size_t why_cap)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int n = 0;
    if (ssp__endpoint_address(e, &list[0]))
        return 1;
    int rc = getaddrinfo(e->u.name, NULL, &hints, &found);
    for (const struct addrinfo *i = found; i != NULL && n < SSP_LOOKUP_MAX; i = i->ai_next) {
        if (i->ai_addrlen > sizeof list[n].u)
            continue;
        list[n].len = i->ai_addrlen;
        memcpy(&list[n].u, i->ai_addr, i->ai_addrlen);
        ssp__address_set_port(&list[n++], e->port);
    }
    if (found != NULL)
        freeaddrinfo(found);
    if (n > 0)
        return n;
    (void)snprintf(why, why_cap, "listen on %s: %s", e->u.name,
                   rc != 0 ? gai_strerror(rc) : "no address of a known family");
    return -1;
}
