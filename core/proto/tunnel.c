/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tunnel.h"

#include "proto/target.h"

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    (void)state;
    (void)io;
    *target = *(const struct ssp__target *)ssp_conn_conf(conn);
    return SSP_CLEAR;
}

static int asked(struct ssp__packet_io *p)
{
    ss_target_prepend(p, p->front_conf);
    return 0;
}

/* The header names the address that the server heard it from, which may be another one than that of
 * the target: a name has several. */
static int answered(struct ssp__packet_io *p)
{
    struct ssp__target from;
    if (p->bare)
        return 0;
    int size = ss_target_of_packet(p, &from);
    if (size == -1)
        return -1;
    p->bytes += size;
    p->len -= (size_t)size;
    return 0;
}

const struct ssp__front ss_tunnel_front = {.name = "tunnel", .feed = feed};
const struct ssp__packet_front ss_tunnel_packet_front = {
    .name = "tunnel", .asked = asked, .answered = answered};
