/* SPDX-License-Identifier: Apache-2.0 */
/* ss-server: accepted side coded, the target comes in the stream. */
#include "app/access.h"
#include "app/outbound.h"
#include "app/plugin.h"
#include "app/programs.h"
#include "app/report.h"
#include "app/udp.h"
#include "proto/target.h"
#include <ssplugin/log.h>

/* With a plugin it listens at the hop before the plugin starts, so that no other process can take
 * that port.  UDP uses the port that TCP got.  Options for public sockets do not apply to the hop.
 */
int ss_server_serve(struct ss_instance *instance)
{
    struct ss_conf *c = instance->conf;
    struct ssp__service *service = &instance->service;
    service->front = &ss_target_front;
    service->packet_front = &ss_target_packet_front;
    service->plan = ss_outbound_plan;
    service->plan_arg = instance;
    service->limits.greet_ms = ss_instance_handshake_ms(instance);
    c->servers = ssp__lookup_drop_absent(c->server, c->servers);
    ss_plugin_choose_hop(c, &instance->hop[0]);

    bool tcp_hop = ss_plugin_has_tcp(c), udp_hop = ss_plugin_has_udp(c);
    if (instance->access != NULL && !tcp_hop)
        service->admit = ss_access_admit;
    else if (instance->access != NULL && ss_acl_refuses_clients(ss_access_list(instance)))
        ssp_info("acl %s: its rules for clients do not apply to TCP, which comes from the plugin",
                 c->acl);
    if (tcp_hop) {
        service->accepted = (struct ssp__socket_options){.fast_open = false};
        service->limits.greeting_per_source = 0; /* all peers have the address of the plugin */
    }
    if (c->mode != SSP_UDP_ONLY &&
        ss_instance_listen(instance, tcp_hop ? instance->hop : c->server, tcp_hop ? 1 : c->servers,
                           "tcp server listening at") == -1)
        return -1;
    if (ss_udp_open(instance, udp_hop ? instance->hop : c->server, udp_hop ? 1 : c->servers,
                    "udp server listening at") == -1)
        return -1;
    if (c->manager_address != NULL && ss_report_open(instance) == -1)
        return -1;
    return ss_plugin_start_server(instance);
}
