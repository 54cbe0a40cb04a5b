/* SPDX-License-Identifier: Apache-2.0 */
#include "net/own_addresses.h"

#include "net/socket.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

enum { FRESH_MS = 3000 };

void ssp__own_addresses_release(struct ssp__own_addresses *own)
{
    free(own->address);
    *own = (struct ssp__own_addresses){.n = 0};
}

static size_t size_of(const struct sockaddr *a)
{
    if (a == NULL)
        return 0;
    return a->sa_family == AF_INET    ? sizeof(struct sockaddr_in)
           : a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                      : 0;
}

/* Returns 0, or -1 when the system does not tell, or memory is out; then the former list stays. */
static int read_all(struct ssp__own_addresses *own)
{
    struct ifaddrs *all;
    unsigned n = 0;
    if (getifaddrs(&all) == -1)
        return -1;
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
        n += size_of(i->ifa_addr) > 0;
    struct ssp__address *list = calloc((size_t)n + 1, sizeof *list);
    n = 0;
    for (const struct ifaddrs *i = all; list != NULL && i != NULL; i = i->ifa_next) {
        size_t size = size_of(i->ifa_addr);
        if (size == 0)
            continue;
        memcpy(&list[n].u, i->ifa_addr, size);
        list[n].len = (unsigned)size;
        ssp__address_set_port(&list[n++], 0);
    }
    freeifaddrs(all);
    if (list == NULL)
        return -1;
    free(own->address);
    own->address = list;
    own->n = n;
    return 0;
}

/* The zone of a link-local address does not count. */
static bool same_host(const struct ssp__address *a, const struct ssp__address *b)
{
    if (a->u.any.sa_family != b->u.any.sa_family)
        return false;
    if (a->u.any.sa_family == AF_INET)
        return a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr;
    return memcmp(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr, sizeof a->u.v6.sin6_addr) == 0;
}

bool ssp__own_addresses_have(struct ssp__own_addresses *own, ssp_loop *loop,
                             const struct ssp__address *a)
{
    uint64_t now = ssp__loop_now_ms(loop);
    if (own->read_ms == 0 || now - own->read_ms >= FRESH_MS) {
        if (read_all(own) == 0)
            own->read_ms = now;
        else if (own->read_ms == 0)
            return ssp__socket_is_here(a);
    }
    for (unsigned i = 0; i < own->n; i++) {
        if (same_host(&own->address[i], a))
            return true;
    }
    return false;
}
