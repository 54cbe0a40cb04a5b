/* SPDX-License-Identifier: Apache-2.0 */
/* ss-local: SOCKS and HTTP in front, on one port; dialed side coded, toward a server or its plugin;
 * UDP beside it. */
#include "app/client.h"
#include "app/entrance.h"
#include "app/programs.h"
#include "app/udp.h"
#include "http/door.h"

int ss_local_serve(struct ss_instance *instance)
{
    struct ssp__service *service = &instance->service;
    const struct ssp__program *program = &instance->process->program;
    if (ss_entrance_open(instance) == -1)
        return -1;
    service->front = ss_udp_served(instance) ? &ss_door_udp_front : &ss_door_front;
    service->front_conf = &instance->entrance;
    service->packet_front = &ss_socks_packet_front;
    if (instance->conf->mode != SSP_UDP_ONLY)
        service->leases = &instance->leases;
    ssp__leases_open(&instance->leases, ssp__crew_others(program->crew) > 0 ? program->loop : NULL);
    return ss_client_serve(instance);
}
