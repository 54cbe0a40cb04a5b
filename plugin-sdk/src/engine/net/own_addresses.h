/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_addresses.h - the addresses that lead to this machine: those of its interfaces, and whole
 * networks that are routed to it (ip route add local); read again when they are a few seconds old.
 */
#ifndef SSP_NET_OWN_ADDRESSES_H
#define SSP_NET_OWN_ADDRESSES_H

#include "base/address.h"
#include "net/loop.h"

#include <pthread.h>

struct ssp__own_network {
    uint8_t bytes[16];
    uint8_t family, bits; /* bits: of bytes that count */
};

/* All zero but the lock is none that has been read. */
struct ssp__own_addresses {
    pthread_mutex_t lock; /* guards what follows */
    struct ssp__own_network *network;
    unsigned n;
    uint64_t read_ms; /* 0: never */
};

void ssp__own_addresses_release(struct ssp__own_addresses *own);

/* True when the address, whatever its port, is this machine's.  May be called from any thread. */
bool ssp__own_addresses_have(struct ssp__own_addresses *own, ssp_loop *loop,
                             const struct ssp__address *address);

#endif
