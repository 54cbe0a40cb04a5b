/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/where.h"

#include <ssplugin/env.h>
#include <ssplugin/log.h>

#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 256 };

/* Programs in Go listen dual-stack on "::", as the list "::|0.0.0.0" asks. */
static int choose(char host[HOST_MAX], const char *hosts, bool listen)
{
    char each[HOST_MAX];
    unsigned n = 0;
    int rc;
    while ((rc = ssp_hosts_next(&hosts, each, sizeof each)) == 1) {
        if (n++ == 0 || (listen && strcmp(each, "::") == 0))
            memcpy(host, each, sizeof each);
    }
    if (n > 1 && strcmp(host, "::") != 0)
        ssp_info("several addresses: the transport gets %s", host);
    return rc == -1 || n == 0 ? -1 : 0;
}

/* NOLINTNEXTLINE(readability-function-size): host and port, and a why with its size */
int pt_where(struct pt_place *place, const char *hosts, const char *port, bool listen, char *why,
             size_t why_cap)
{
    char host[HOST_MAX];
    struct addrinfo hints = {.ai_flags = AI_PASSIVE}, *list = NULL;
    if (choose(host, hosts, listen) == -1) {
        (void)snprintf(why, why_cap, "\"%.60s\" is no host", hosts);
        return SSP_EXIT_CONFIG;
    }
    place->port = (uint16_t)ssp_port_parse(port);
    int rc = getaddrinfo(host, NULL, &hints, &list);
    if (rc == 0)
        rc = getnameinfo(list->ai_addr, list->ai_addrlen, place->ip, sizeof place->ip, NULL, 0,
                         NI_NUMERICHOST);
    if (list != NULL)
        freeaddrinfo(list);
    if (rc == 0)
        return 0;
    (void)snprintf(why, why_cap, "look up %.100s: %s", host, gai_strerror(rc));
    return SSP_EXIT_NOHOST;
}
