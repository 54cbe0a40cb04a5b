/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.h - names that are known without a DNS server: localhost and those of the hosts file.
 *
 * One dot at the end of a name, or of a name in the file, makes no difference.
 */
#ifndef SSP_NET_HOSTS_H
#define SSP_NET_HOSTS_H

#include "base/address.h"

/* True for localhost and every name below it: RFC 6761, section 6.3. */
bool ssp__hosts_is_localhost(const char *name);

/* Finds the addresses of name in the file, in its order.  Returns how many, at most max. */
unsigned ssp__hosts_find(const char *path, const char *name, uint16_t port,
                         struct ssp__address *found, unsigned max);

#endif
