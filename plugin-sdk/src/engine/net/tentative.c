/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tentative.h"

#include <linux/if_addr.h>

#include <stdio.h>
#include <string.h>

/* A line is the address in hexadecimal digits without colons, index of the interface, length of the
 * prefix, scope, flags, and name of the interface. */
static bool read_line(FILE *file, struct in6_addr *address, unsigned *interface, unsigned *flags)
{
    char digits[33];
    if (fscanf(file, "%32s %x %*x %*x %x %*s", digits, interface, flags) != 3)
        return false;
    for (size_t i = 0; i < sizeof address->s6_addr; i++) {
        unsigned byte;
        if (sscanf(digits + 2 * i, "%2x", &byte) != 1)
            return false;
        address->s6_addr[i] = (uint8_t)byte;
    }
    return true;
}

bool ssp__address_tentative(const struct ssp__address *a)
{
    struct in6_addr address;
    unsigned interface, flags;
    bool tentative = false;
    if (a->u.any.sa_family != AF_INET6)
        return false;
    FILE *file = fopen("/proc/net/if_inet6", "re");
    while (file != NULL && !tentative && read_line(file, &address, &interface, &flags)) {
        bool zone = a->u.v6.sin6_scope_id == 0 || a->u.v6.sin6_scope_id == interface;
        bool same = memcmp(&address, &a->u.v6.sin6_addr, sizeof address) == 0;
        tentative =
            zone && same && (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == IFA_F_TENTATIVE;
    }
    if (file != NULL)
        (void)fclose(file);
    return tentative;
}
