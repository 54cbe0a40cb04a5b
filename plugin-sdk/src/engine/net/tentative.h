/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tentative.h - IPv6 addresses that are being checked for duplicates (RFC 4862, section 5.4), as
 * all are for a second or two after boot.
 */
#ifndef SSP_NET_TENTATIVE_H
#define SSP_NET_TENTATIVE_H

#include "base/address.h"

/* True for such an address of this machine; false too when the system does not report them. */
bool ssp__address_tentative(const struct ssp__address *a);

#endif
