/* SPDX-License-Identifier: Apache-2.0 */
#include "app/balancers.h"

#include <ssplugin/log.h>

static const char this_machine[] = "127.0.0.0/8,::1";

static bool trust(const void *arg, const struct ssp__address *sender,
                  struct ssp__log_limit *refusals)
{
    const struct ss_instance *i = arg;
    return ssp__balancers_trust(&i->balancers, sender, refusals);
}

int ss_balancers_open(struct ss_instance *i, bool hop)
{
    const struct ss_conf *c = i->conf;
    const char *from =
        hop || c->proxy_protocol_from == NULL ? this_machine : c->proxy_protocol_from;
    if (!c->proxy_protocol)
        return 0;
    i->balancers.option = "proxy_protocol_from";
    const char *wrong = ssp__balancers_add(&i->balancers, from);
    if (wrong != NULL) {
        ssp_error("proxy_protocol_from: %s", wrong);
        return -1;
    }
    i->service.preface = &ssp__proxy_preface;
    i->service.trusts = trust;
    ssp_info("connections begin with a PROXY header, from %s", hop ? "the plugin" : from);
    return 0;
}

void ss_balancers_close(struct ss_instance *i)
{
    ssp__balancers_release(&i->balancers);
}
