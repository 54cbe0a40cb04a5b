/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_cache.h - the names that packets are sent to: each is looked up once in a while, and its
 * packets wait meanwhile.
 */
#ifndef SSP_UDP_DNS_CACHE_H
#define SSP_UDP_DNS_CACHE_H

#include "base/permit.h"
#include "net/resolver.h"

enum { SSP_WAITING_BYTES_MAX = 4 * 1024 * 1024 };

/* A packet to a name. */
struct ssp__named_packet {
    void *owner;
    const struct ssp__endpoint *to;
    uint8_t *bytes; /* borrowed for the call, as to */
    size_t n;
    size_t header_len; /* bytes in front of them that are kept with them, but not sent */
    uint8_t tos;
    bool direct, local, chosen; /* see ssp__assoc_route */
    struct ssp__permit
        permit; /* the first address of a name that it allows is taken, or the first */
};

/* The name of a packet has been found, or not: then the address is NULL, and why says why. */
typedef void ssp__dns_cache_fn(const struct ssp__named_packet *packet,
                               const struct ssp__address *address, const char *why);

/* The part that many caches have in common; borrowed for their life. */
struct ssp__dns_cache_conf {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    unsigned max;          /* names of each */
    size_t *waiting_bytes; /* of all of them together; packets beyond the limit are lost */
    ssp__dns_cache_fn *on_named;
};

/* Zero is an empty one.  It must not move. */
struct ssp__dns_cache {
    struct ssp__dns_name *first;
};

/* Packets that wait are lost. */
void ssp__dns_cache_clear(struct ssp__dns_cache *cache);

/* The same for those of one owner. */
void ssp__dns_cache_forget(struct ssp__dns_cache *cache, const void *owner);

/* True, with *to, when the name e is known. */
bool ssp__dns_cache_find(const struct ssp__dns_cache *cache, const struct ssp__endpoint *e,
                         struct ssp__address *to);

/* Looks up the name of the packet, and keeps a copy of it meanwhile. */
void ssp__dns_cache_await(struct ssp__dns_cache *cache, const struct ssp__dns_cache_conf *conf,
                          const struct ssp__named_packet *packet);

#endif
