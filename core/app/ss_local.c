/* SPDX-License-Identifier: Apache-2.0 */
/* ss-local: SOCKS5 in front, dialed side coded, toward a server or its plugin; UDP beside it. */
#include "app/client.h"
#include "app/programs.h"
#include "app/udp.h"

int ss_local_serve(struct ss_instance *instance)
{
    struct ssp__service *service = &instance->service;
    instance->socks = (struct ss_socks_conf){.udp = ss_udp_wanted(instance->conf)};
    service->front = &ss_socks_front;
    service->front_conf = &instance->socks;
    service->packet_front = &ss_socks_packet_front;
    return ss_client_serve(instance);
}
