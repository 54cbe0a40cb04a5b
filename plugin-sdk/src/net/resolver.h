/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - names to addresses without blocking, by c-ares.
 */
#ifndef SSP_NET_RESOLVER_H
#define SSP_NET_RESOLVER_H

#include "base/address.h"
#include "net/loop.h"
#include "net/socket.h"

enum { SSP_ADDRESSES_MAX = 16 };

struct ssp_resolver;
struct ssp_query;

/*
 * servers is a comma list of DNS servers, or NULL for the system's.  prefer_v6 puts IPv6 addresses
 * first instead of IPv4.  NULL with a sentence in why when the list does not parse.
 */
struct ssp_resolver *ssp_resolver_new(struct ssp_loop *loop, const char *servers, bool prefer_v6,
                                      const char **why);
void ssp_resolver_free(struct ssp_resolver *resolver); /* accepts NULL; ends queries silently */

/* The resolver's own sockets get fwmark and protect_path of o, which is borrowed for its life.  Not
 * its interface and addresses: many a DNS server is on loopback. */
void ssp_resolver_sockets(struct ssp_resolver *resolver, const struct ssp_socket_options *o);

/* addresses is borrowed for the call; n is 0 on failure, why then says it. */
typedef void ssp_resolved_fn(void *arg, const struct ssp_address *addresses, unsigned n,
                             const char *why);

/* Looks up e->host.  The callback always comes later, from the loop.  NULL when memory is out. */
struct ssp_query *ssp_resolve(struct ssp_resolver *resolver, const struct ssp_endpoint *e,
                              ssp_resolved_fn *on_resolved, void *arg);

/* Forgets a query whose callback has not come yet. */
void ssp_query_cancel(struct ssp_query *query);

#endif
