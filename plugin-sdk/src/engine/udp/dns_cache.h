/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_cache.h - the names that one client sends packets to: each is looked up once in a while, and
 * its packets wait meanwhile.
 */
#ifndef SSP_UDP_DNS_CACHE_H
#define SSP_UDP_DNS_CACHE_H

#include "net/resolver.h"

enum { SSP_WAITING_BYTES_MAX = 4 * 1024 * 1024 };

struct ssp__dns_cache;

/* A packet whose name has been found; bytes is borrowed for the call. */
typedef void ssp__dns_cache_fn(void *arg, const struct ssp__address *to, const uint8_t *bytes,
                               size_t n);

struct ssp__dns_cache_request {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    size_t *waiting_bytes; /* of all clients together; packets beyond the limit are lost */
    ssp__dns_cache_fn *on_named;
    void *arg;
};

/* NULL when memory is out. */
struct ssp__dns_cache *ssp__dns_cache_new(const struct ssp__dns_cache_request *request);
void ssp__dns_cache_free(
    struct ssp__dns_cache *names); /* accepts NULL; packets that wait are lost */

/* True, with *to, when the name e is known. */
bool ssp__dns_cache_find(const struct ssp__dns_cache *names, const struct ssp__endpoint *e,
                         struct ssp__address *to);

/* Looks the name up and keeps a copy of the packet for it. */
void ssp__dns_cache_await(struct ssp__dns_cache *names, const struct ssp__endpoint *e,
                          const uint8_t *bytes, size_t n);

#endif
