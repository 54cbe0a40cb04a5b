/* SPDX-License-Identifier: Apache-2.0 */
/* ss-redir: connections and packets that rules of the kernel bring here, dialed side coded. */
#include "app/client.h"
#include "app/programs.h"

#include <ssplugin/log.h>

int ss_redir_serve(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    struct ssp__service *service = &instance->service;
    instance->redir = (struct ss_redir_conf){.server = c->server, .servers = c->servers};
    service->front = &ss_redir_front;
    service->front_conf = &instance->redir;
    service->packet_front = &ss_redir_packet_front;
    service->packet_front_conf = &instance->redir;
    service->accepted.intercept = c->tcp_tproxy ? SSP_TPROXY : SSP_REDIRECT;
    service->accepted.fwmark = c->fwmark;
    if (c->tcp_tproxy && c->mode != SSP_UDP_ONLY)
        ssp_info("tcp tproxy mode enabled");
    return ss_client_serve(instance);
}
