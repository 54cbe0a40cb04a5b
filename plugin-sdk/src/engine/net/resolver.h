/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - names to addresses without blocking: localhost, the hosts file, DNS by c-ares.
 *
 * Changes of the hosts file and of resolv.conf count from the next lookup on.
 */
#ifndef SSP_NET_RESOLVER_H
#define SSP_NET_RESOLVER_H

#include "base/address.h"
#include "net/dns_channel.h"
#include "net/loop.h"
#include "net/socket.h"

struct ssp__resolver;
struct ssp__query;

/* All zero is the system's configuration. */
struct ssp__resolver_conf {
    const char *servers;     /* comma list of DNS servers, IPv4[:port], IPv6 or [IPv6]:port */
    const char *resolv_conf; /* file; its servers count when there are no others */
    const char *hosts;       /* file; borrowed for the resolver's life */
    bool prefer_v6;          /* IPv6 addresses first instead of IPv4 */
};

/* NULL with a sentence in why when the list of servers does not parse. */
struct ssp__resolver *ssp__resolver_new(ssp_loop *loop, const struct ssp__resolver_conf *conf,
                                        const char **why);
void ssp__resolver_free(struct ssp__resolver *resolver); /* accepts NULL; ends queries silently */

/* The resolver's own sockets get fwmark and protect_path of o, which is borrowed for its life.  Not
 * its interface and addresses: many a DNS server is on loopback. */
void ssp__resolver_sockets(struct ssp__resolver *resolver, const struct ssp__socket_options *o);

/*
 * The addresses of a name, in order of preference; the array is borrowed for the call.
 *
 * With more set, the other family has not been answered yet: the callback is called again with the
 * new addresses.  Without, the query is gone.  why is the reason when there are none, else NULL.
 */
struct ssp__resolved {
    const struct ssp__address *addresses;
    unsigned n;
    bool more;
    const char *why;
};
typedef void ssp__resolved_fn(void *arg, const struct ssp__resolved *resolved);

/*
 * Looks up the name e.  The callback always comes later, from the loop.  NULL when memory is out.
 *
 * RFC 8305, section 3: addresses of the preferred family are reported at once, those of the other
 * family SSP_RESOLUTION_DELAY_MS later, so that no caller waits for a missing answer.
 */
enum { SSP_RESOLUTION_DELAY_MS = 50 };
struct ssp__query *ssp__resolve(struct ssp__resolver *resolver, const struct ssp__endpoint *e,
                                ssp__resolved_fn *on_resolved, void *arg);

/* Cancels a query whose last callback has not been called yet; also from within a callback. */
void ssp__query_cancel(struct ssp__query *query);

#endif
