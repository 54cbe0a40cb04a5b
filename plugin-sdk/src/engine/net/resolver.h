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

struct ssp__resolver;
struct ssp__query;

/*
 * servers is a comma list of DNS servers, or NULL for the system's.  prefer_v6 puts IPv6 addresses
 * first instead of IPv4.  NULL with a sentence in why when the list does not parse.
 */
struct ssp__resolver *ssp__resolver_new(ssp_loop *loop, const char *servers, bool prefer_v6,
                                        const char **why);
void ssp__resolver_free(struct ssp__resolver *resolver); /* accepts NULL; ends queries silently */

/* The resolver's own sockets get fwmark and protect_path of o, which is borrowed for its life.  Not
 * its interface and addresses: many a DNS server is on loopback. */
void ssp__resolver_sockets(struct ssp__resolver *resolver, const struct ssp__socket_options *o);

/* addresses is borrowed for the call; n is 0 on failure, why then says it. */
typedef void ssp__resolved_fn(void *arg, const struct ssp__address *addresses, unsigned n,
                              const char *why);

/* Looks up the name e.  The callback always comes later, from the loop.  NULL when memory is out.
 */
struct ssp__query *ssp__resolve(struct ssp__resolver *resolver, const struct ssp__endpoint *e,
                                ssp__resolved_fn *on_resolved, void *arg);

/* Forgets a query whose callback has not come yet. */
void ssp__query_cancel(struct ssp__query *query);

#endif
