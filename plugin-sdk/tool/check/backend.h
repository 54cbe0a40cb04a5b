/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h - the server behind the server plugin; carries out the orders of its clients.
 *
 * Bytes that are no order are foreign: they are counted and otherwise ignored.
 */
#ifndef SSP_CHECK_BACKEND_H
#define SSP_CHECK_BACKEND_H

#include "check/stream.h"

enum { FOREIGN_SAMPLE = 32 };

struct backend_conn {
    struct stream stream; /* first */
    struct backend *backend;
    struct backend_conn *next;
    uint8_t begun[ORDER_SIZE]; /* an order that has not come whole */
    size_t begun_len;
    struct order order;
    bool ordered, foreign, answering, wrong;
    uint64_t closed_us; /* when the backend has closed; 0: not */
};

struct backend {
    struct watch watch; /* first */
    struct scene *scene;
    uint16_t port;
    struct backend_conn *conns; /* the latest first, ended ones too */
    unsigned accepted, ordered, foreign;
    unsigned wrong; /* connections on which a wrong byte came */
    uint64_t foreign_bytes;
    uint8_t sample[FOREIGN_SAMPLE]; /* the first foreign bytes */
    size_t sample_len;
};

/* Returns 0, or -1 with errno. */
int backend_open(struct backend *backend, struct scene *scene);
void backend_close(struct backend *backend);

/* Refuses connections from now on; its port stays reserved. */
void backend_refuse(struct backend *backend);

/* Closes all connections and resets the counters. */
void backend_forget(struct backend *backend);

/* The connection that brought this order, or NULL. */
struct backend_conn *backend_find(const struct backend *backend, uint64_t seed);

#endif
