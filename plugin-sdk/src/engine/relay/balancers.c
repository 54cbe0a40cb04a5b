/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/balancers.h"

#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>

static const char *add(struct ssp__networks *networks, const char *text)
{
    struct ssp__network network;
    if (ssp__network_parse(&network, text) == -1)
        return "is no list of addresses and networks, such as 127.0.0.1,10.0.0.0/8";
    return ssp__networks_add(networks, &network, 1) == -1 ? "out of memory" : NULL;
}

const char *ssp__balancers_add(struct ssp__balancers *balancers, const char *list)
{
    char *copy = strdup(list), *rest = copy, *item;
    const char *wrong = copy != NULL ? NULL : "out of memory";
    while (wrong == NULL && (item = strsep(&rest, ",")) != NULL)
        wrong = add(&balancers->networks, item);
    free(copy);
    return wrong;
}

/* The operator has to see which address is missing. */
bool ssp__balancers_trust(const struct ssp__balancers *balancers, const struct ssp__address *sender,
                          struct ssp__log_limit *refusals)
{
    char host[SSP_HOST_MAX];
    struct ssp__endpoint e;
    const struct ssp__network network = ssp__network_of(sender);
    if (ssp__networks_find(&balancers->networks, &network) != 0)
        return true;
    ssp__endpoint_set_address(&e, sender);
    if (ssp__log_limit_take_of(refusals, sender))
        ssp_error("PROXY header of %s: %s does not name that address; connection refused",
                  ssp__endpoint_host(&e, host), balancers->option);
    return false;
}

void ssp__balancers_release(struct ssp__balancers *balancers)
{
    ssp__networks_release(&balancers->networks);
}
