/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/ranges.h"

#include <arpa/inet.h>
#include <string.h>

static const struct {
    uint32_t first;
    uint8_t len;
    bool private; /* only SS_OUTBOUND_PUBLIC refuses it */
    const char *name;
} v4_ranges[] = {
    {0x00000000, 8, false, "unspecified"},       /* 0.0.0.0 reaches this machine */
    {0x7f000000, 8, false, "loopback"},          /* 127.0.0.0 */
    {0xa9fe0000, 16, false, "link-local"},       /* 169.254.0.0, with the metadata of clouds */
    {0xe0000000, 4, false, "multicast"},         /* 224.0.0.0 */
    {0xffffffff, 32, false, "broadcast"},        /* 255.255.255.255 */
    {0x0a000000, 8, true, "private"},            /* 10.0.0.0 */
    {0xac100000, 12, true, "private"},           /* 172.16.0.0 */
    {0xc0a80000, 16, true, "private"},           /* 192.168.0.0 */
    {0x64400000, 10, true, "carrier-grade NAT"}, /* 100.64.0.0 */
    {0xc0000000, 24, true, "reserved"},          /* 192.0.0.0 */
    {0xc6120000, 15, true, "reserved"},          /* 198.18.0.0, for benchmarks */
    {0xf0000000, 4, true, "reserved"},           /* 240.0.0.0 */
};

/* The first 16 bits of an IPv6 address. */
static const struct {
    uint16_t first;
    uint8_t len;
    bool private;
    const char *name;
} v6_ranges[] = {
    {0xfe80, 10, false, "link-local"},
    {0xff00, 8, false, "multicast"},
    {0xfec0, 10, true, "private"}, /* site-local, out of use */
    {0xfc00, 7, true, "private"},
};

const char *ss_outbound_name(enum ss_outbound outbound)
{
    static const char *const names[SS_OUTBOUNDS] = {
        [SS_OUTBOUND_LAN] = "lan", [SS_OUTBOUND_ALL] = "all", [SS_OUTBOUND_PUBLIC] = "public"};
    return names[outbound];
}

static bool begins(const uint8_t *bytes, const uint8_t *prefix, size_t n)
{
    return memcmp(bytes, prefix, n) == 0;
}

struct ssp__address ss_range_plain(const struct ssp__address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, old[12] = {0},
                         nat64[12] = {0x00, 0x64, 0xff, 0x9b}, six_to_four[2] = {0x20, 0x02};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (a->u.any.sa_family != AF_INET6)
        return *a;
    const struct in6_addr *in6 = &a->u.v6.sin6_addr;
    const uint8_t *bytes = in6->s6_addr, *embedded = NULL;
    bool compatible = begins(bytes, old, sizeof old) && !IN6_IS_ADDR_LOOPBACK(in6) &&
                      !IN6_IS_ADDR_UNSPECIFIED(in6);
    if (compatible || begins(bytes, mapped, sizeof mapped) || begins(bytes, nat64, sizeof nat64))
        embedded = bytes + 12;
    else if (begins(bytes, six_to_four, sizeof six_to_four))
        embedded = bytes + 2;
    if (embedded == NULL)
        return *a;
    memcpy(&v4.sin_addr, embedded, sizeof v4.sin_addr);
    v4.sin_port = a->u.v6.sin6_port;
    return (struct ssp__address){.u.v4 = v4, .len = sizeof v4};
}

static const char *v4_refused(bool all_private, uint32_t host)
{
    for (size_t i = 0; i < sizeof v4_ranges / sizeof v4_ranges[0]; i++) {
        bool within = (host ^ v4_ranges[i].first) >> (32 - v4_ranges[i].len) == 0;
        if (within && (all_private || !v4_ranges[i].private))
            return v4_ranges[i].name;
    }
    return NULL;
}

static const char *v6_refused(bool all_private, const struct in6_addr *in6)
{
    unsigned first = (unsigned)in6->s6_addr[0] << 8 | in6->s6_addr[1];
    if (IN6_IS_ADDR_UNSPECIFIED(in6))
        return "unspecified";
    if (IN6_IS_ADDR_LOOPBACK(in6))
        return "loopback";
    for (size_t i = 0; i < sizeof v6_ranges / sizeof v6_ranges[0]; i++) {
        bool within = (first ^ v6_ranges[i].first) >> (16 - v6_ranges[i].len) == 0;
        if (within && (all_private || !v6_ranges[i].private))
            return v6_ranges[i].name;
    }
    return NULL;
}

const char *ss_range_refused(enum ss_outbound outbound, const struct ssp__address *a)
{
    bool all_private = outbound == SS_OUTBOUND_PUBLIC;
    if (outbound == SS_OUTBOUND_ALL)
        return NULL;
    if (a->u.any.sa_family == AF_INET)
        return v4_refused(all_private, ntohl(a->u.v4.sin_addr.s_addr));
    return v6_refused(all_private, &a->u.v6.sin6_addr);
}
