/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - the names that one client sends packets to: each is looked up once in a while, and its
 * packets wait meanwhile.
 */
#ifndef SSP_RELAY_NAMES_H
#define SSP_RELAY_NAMES_H

#include "net/resolver.h"

enum { SSP_WAITING_BYTES_MAX = 4 * 1024 * 1024 };

struct ssp_names;

/* A packet whose name has been found; bytes is borrowed for the call. */
typedef void ssp_named_fn(void *arg, const struct ssp_address *to, const uint8_t *bytes, size_t n);

struct ssp_names_request {
    struct ssp_loop *loop;
    struct ssp_resolver *resolver;
    size_t *waiting_bytes; /* of all clients together; packets beyond the limit are lost */
    ssp_named_fn *on_named;
    void *arg;
};

/* NULL when memory is out. */
struct ssp_names *ssp_names_new(const struct ssp_names_request *request);
void ssp_names_free(struct ssp_names *names); /* accepts NULL; packets that wait are lost */

/* True, with *to, when the name is known. */
bool ssp_names_find(const struct ssp_names *names, const struct ssp_endpoint *e,
                    struct ssp_address *to);

/* Looks the name up and keeps a copy of the packet for it. */
void ssp_names_await(struct ssp_names *names, const struct ssp_endpoint *e, const uint8_t *bytes,
                     size_t n);

#endif
