/* SPDX-License-Identifier: Apache-2.0 */
/* ss-local: SOCKS5 in front, dialed side coded, toward a server or its plugin; UDP beside it. */
#include "app/client.h"
#include "app/programs.h"
#include "app/udp.h"

int ss_local_serve(struct ss_instance *instance)
{
    struct ssp__service *service = &instance->service;
    service->front = ss_udp_wanted(instance->conf) ? &ss_socks_udp_front : &ss_socks_front;
    service->packet_front = &ss_socks_packet_front;
    if (instance->conf->mode != SSP_UDP_ONLY)
        service->leases = &instance->leases;
    return ss_client_serve(instance);
}
