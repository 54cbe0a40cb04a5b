/* SPDX-License-Identifier: Apache-2.0 */
/* ss-tunnel: a front that names one fixed target, dialed side coded. */
#include "app/client.h"
#include "app/programs.h"
#include "proto/target.h"
#include "proto/tunnel.h"

int ss_tunnel_serve(struct ss_instance *instance)
{
    struct ssp__service *service = &instance->service;
    if (ss_target_read(&instance->target, instance->conf->tunnel_address) == -1)
        return -1; /* not after conf/check.c */
    service->front = &ss_tunnel_front;
    service->front_conf = &instance->target;
    service->packet_front = &ss_tunnel_packet_front;
    service->packet_front_conf = &instance->target;
    return ss_client_serve(instance);
}
