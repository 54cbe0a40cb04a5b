/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_header.h - the PROXY protocol of HAProxy, version 2, as it is written: the address of the
 * client that a program speaks for.
 */
#ifndef SSP_BASE_PROXY_HEADER_H
#define SSP_BASE_PROXY_HEADER_H

#include "base/address.h"

enum { SSP_PROXY_HEADER_MAX = 16 + 36 };

/* The client has reached that address; of another family it is written as none.  Without a client
 * the header is LOCAL.  Returns its length. */
size_t ssp__proxy_header_write(const struct ssp__address *client,
                               const struct ssp__address *reached,
                               uint8_t header[SSP_PROXY_HEADER_MAX]);

#endif
