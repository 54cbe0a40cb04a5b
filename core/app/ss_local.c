/* SPDX-License-Identifier: Apache-2.0 */
/* ss-local: SOCKS and HTTP in front, on one port; dialed side coded, toward a server or its plugin;
 * UDP beside it. */
#include "app/client.h"
#include "app/programs.h"
#include "app/udp.h"
#include "http/door.h"
#include <ssplugin/log.h>

/* Returns 0, or -1 after a log line. */
static int open_entrance(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    struct ss_entrance *entrance = &instance->entrance;
    if (c->accounts > 0 && c->mode == SSP_UDP_ONLY) {
        ssp_error("local_users and mode udp_only leave no connection on which a client names "
                  "itself; remove one of them");
        return -1;
    }
    entrance->accounts = (struct ss_accounts){c->account, c->accounts};
    entrance->names = ss_names_new();
    if (entrance->names == NULL) {
        ssp_error("start: out of memory");
        return -1;
    }
    return 0;
}

int ss_local_serve(struct ss_instance *instance)
{
    struct ssp__service *service = &instance->service;
    if (open_entrance(instance) == -1)
        return -1;
    service->front = ss_udp_wanted(instance->conf) ? &ss_door_udp_front : &ss_door_front;
    service->front_conf = &instance->entrance;
    service->packet_front = &ss_socks_packet_front;
    if (instance->conf->mode != SSP_UDP_ONLY)
        service->leases = &instance->leases;
    return ss_client_serve(instance);
}
