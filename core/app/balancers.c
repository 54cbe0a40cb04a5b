/* SPDX-License-Identifier: Apache-2.0 */
#include "app/balancers.h"

#include "proto/proxy_header.h"
#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>

static const char this_machine[] = "127.0.0.0/8,::1";

/* A line for each sender in ten seconds: the operator has to see which address is missing. */
static bool trust(const void *arg, const struct ssp__address *sender,
                  struct ssp__log_limit *refusals)
{
    const struct ss_instance *i = arg;
    char host[SSP_HOST_MAX];
    struct ssp__endpoint e;
    const struct ss_network network = ss_network_of(sender);
    if (ss_networks_find(&i->balancers, &network) != 0)
        return true;
    ssp__endpoint_set_address(&e, sender);
    if (ssp__log_limit_take_of(refusals, sender))
        ssp_error("PROXY header of %s: proxy_protocol_from does not name that address; connection "
                  "refused",
                  ssp__endpoint_host(&e, host));
    return false;
}

static int add(struct ss_networks *networks, const char *text)
{
    struct ss_network network;
    return ss_network_parse(&network, text) == 0 ? ss_networks_add(networks, &network, 1) : -1;
}

static int add_all(struct ss_networks *networks, const char *list)
{
    char *copy = strdup(list), *rest = NULL;
    int rc = copy != NULL ? 0 : -1;
    char *item = rc == 0 ? strtok_r(copy, ",", &rest) : NULL;
    for (; item != NULL && rc == 0; item = strtok_r(NULL, ",", &rest))
        rc = add(networks, item);
    free(copy);
    return rc;
}

int ss_balancers_open(struct ss_instance *i, bool hop)
{
    const struct ss_conf *c = i->conf;
    const char *from =
        hop || c->proxy_protocol_from == NULL ? this_machine : c->proxy_protocol_from;
    if (!c->proxy_protocol)
        return 0;
    if (add_all(&i->balancers, from) == -1) {
        ssp_error("proxy_protocol_from: out of memory");
        return -1;
    }
    i->service.preface = &ss_proxy_preface;
    i->service.trusts = trust;
    ssp_info("connections begin with a PROXY header, from %s", hop ? "the plugin" : from);
    return 0;
}

void ss_balancers_close(struct ss_instance *i)
{
    ss_networks_release(&i->balancers);
}
