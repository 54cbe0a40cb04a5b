/* SPDX-License-Identifier: Apache-2.0 */
#include "app/client.h"

#include "app/access.h"
#include "app/udp.h"
#include "app/upstreams.h"
#include <ssplugin/log.h>

enum {
    GREET_MS = 60000,
    HOLD_MS = 10 /* for the first payload, so that it leaves in one segment with the header */
};

static bool plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct ss_instance *instance = arg;
    unsigned failed;
    enum ss_way way = ss_access_plan(instance, query, plan, &failed);
    if (way != SS_WAY_SERVER)
        return way == SS_WAY_DIRECT;
    plan->permit = instance->permit_server;
    return ss_upstreams_plan(instance->upstreams, failed, plan);
}

int ss_client_serve(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    struct ssp__service *service = &instance->service;
    service->plan = plan;
    service->plan_arg = instance;
    ss_upstreams_serve(instance->upstreams, service);
    service->limits.greet_ms = GREET_MS;
    service->limits.hold_ms = HOLD_MS;
    if (ssp__endpoint_set(&instance->local, c->local_address, c->local_port) == -1) {
        ssp_error("local_address %s: not an address", c->local_address);
        return -1;
    }
    if (c->mode != SSP_UDP_ONLY &&
        ss_instance_listen(instance, &instance->local, 1, "listening at") == -1)
        return -1;
    if (ss_udp_open(instance, &instance->local, 1, "udp listening at") == -1)
        return -1;
    return ss_upstreams_start(instance->upstreams);
}
