/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranges.h - ranges of addresses that ss-server does not dial, by policy.
 */
#ifndef SS_ACL_RANGES_H
#define SS_ACL_RANGES_H

#include "base/address.h"

/* Targets that are dialed. */
enum ss_outbound {
    SS_OUTBOUND_LAN,    /* all but this machine, its links, and groups */
    SS_OUTBOUND_ALL,    /* all, as in shadowsocks-libev */
    SS_OUTBOUND_PUBLIC, /* as LAN, without private networks */
    SS_OUTBOUNDS
};

/* "lan", "all" or "public". */
const char *ss_outbound_name(enum ss_outbound outbound);

/* The IPv4 address that an IPv6 address stands for: mapped, of NAT64 (64:ff9b::/96), of 6to4
 * (2002::/16), or the form that is out of use (::192.0.2.1); else the address as it is. */
struct ssp__address ss_range_plain(const struct ssp__address *address);

/* The name of the range that the policy refuses, such as "loopback", or NULL: the address, in the
 * form of ss_range_plain(), is in none. */
const char *ss_range_refused(enum ss_outbound outbound, const struct ssp__address *address);

#endif
