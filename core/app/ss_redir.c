/* SPDX-License-Identifier: Apache-2.0 */
/* ss-redir: connections and packets that rules of the kernel bring here, dialed side coded. */
#include "app/client.h"
#include "app/programs.h"
#include "app/upstreams.h"

#include <ssplugin/log.h>

/* The address of a server is known before it is dialed, and so before it can come back. */
static bool note_server(const void *arg, const struct ssp__endpoint *e,
                        const struct ssp__address *a, char why[SSP_PERMIT_WHY_MAX])
{
    const struct ss_instance *instance = arg;
    (void)e;
    (void)why;
    ss_redir_know(instance->redir.known, a);
    return true;
}

/* An address that one of the servers may be. */
struct suspect {
    const struct ssp__address *address;
    bool found;
};

static void compare(void *arg, const struct ss_upstream *u)
{
    struct suspect *s = arg;
    struct ssp__address server;
    s->found = s->found || (ssp__endpoint_address(&u->conf.server[0], &server) &&
                            ssp__address_same(&server, s->address));
}

/* A plugin dials its server itself. */
static bool is_server(const void *arg, const struct ssp__address *a)
{
    const struct ss_instance *instance = arg;
    struct suspect suspect = {.address = a};
    ss_upstreams_each(instance->upstreams, compare, &suspect);
    return suspect.found;
}

int ss_redir_serve(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    struct ssp__service *service = &instance->service;
    instance->redir = (struct ss_redir_conf){
        .is_server = is_server, .arg = instance, .known = &instance->redir_known};
    (void)pthread_mutex_init(&instance->redir_known.lock, NULL); /* which cannot fail here */
    instance->permit_server = note_server;
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
