/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - the request of a client of the checker to its backend, in front of its bytes.
 *
 * With it both ends know every byte that has to come, and the backend tells its own client from
 * foreign bytes that a plugin lets through.
 */
#ifndef SSP_CHECK_ORDER_H
#define SSP_CHECK_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_SIZE = 48 };

/* When the backend answers. */
enum order_when {
    ORDER_AT_ONCE,   /* when it knows the order */
    ORDER_PACED,     /* a byte for each byte heard, as an echo does */
    ORDER_AFTER_ALL, /* when it has heard everything */
    ORDER_AFTER_FIN, /* when the client has shut down, which it does behind its last byte */
};

struct order {
    uint64_t seed;     /* of the client's bytes; the answer's is order_answer_seed() */
    uint64_t up, down; /* bytes each way, without the order */
    uint8_t when;      /* enum order_when */
    bool close;        /* the backend closes behind its answer */
    bool deaf;         /* the backend reads nothing behind the order */
    uint16_t delay_ms; /* between the moment of `when` and the answer */
    uint16_t chunk;    /* longest piece of one write at either end; 0: what fits */
    uint16_t burst; /* the client pauses until as many bytes have come back; 0: never; not sent */
};

uint64_t order_answer_seed(const struct order *order);
void order_write(const struct order *order, uint8_t bytes[ORDER_SIZE]);

/* How many of n bytes may begin an order: n, or less when they do not. */
size_t order_resembles(const uint8_t *bytes, size_t n);

/* Returns 0, or -1 when the bytes are no order. */
int order_read(struct order *order, const uint8_t bytes[ORDER_SIZE]);

#endif
