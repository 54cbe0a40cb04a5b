/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_addresses.h - the addresses of this machine's interfaces, read again when they are a few
 * seconds old.
 */
#ifndef SSP_NET_OWN_ADDRESSES_H
#define SSP_NET_OWN_ADDRESSES_H

#include "base/address.h"
#include "net/loop.h"

/* All zero is none that has been read. */
struct ssp__own_addresses {
    struct ssp__address *address;
    unsigned n;
    uint64_t read_ms; /* 0: never */
};

void ssp__own_addresses_release(struct ssp__own_addresses *own);

/* True when an interface has the address, whatever its port. */
bool ssp__own_addresses_have(struct ssp__own_addresses *own, ssp_loop *loop,
                             const struct ssp__address *address);

#endif
