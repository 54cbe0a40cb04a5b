/* SPDX-License-Identifier: Apache-2.0 */
/* udp_ends.h - a client with an association at a SOCKS5 proxy, and a target of its own for it. */
#ifndef LOADGEN_UDP_ENDS_H
#define LOADGEN_UDP_ENDS_H

#include "route.h"

enum { UDP_HEAD = 10 }; /* in front of a payload for an IPv4 target */

struct udp_ends {
    int connection, client, target; /* client is connected to the door of the proxy */
    uint8_t head[UDP_HEAD];         /* names the target */
};

/* Returns 0, or -1 with errno and what is open closed. */
int udp_ends_open(struct udp_ends *ends, const struct route *route);
void udp_ends_close(const struct udp_ends *ends);

#endif
