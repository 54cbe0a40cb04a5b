/* SPDX-License-Identifier: Apache-2.0 */
#include "app/outbound.h"

#include "app/access.h"

#include <stdio.h>

/* Names the rule. */
static void explain(char why[SSP_PERMIT_WHY_MAX], struct ss_acl_verdict v)
{
    if (v.line != 0)
        (void)snprintf(why, SSP_PERMIT_WHY_MAX, "line %u of the access list refuses it", v.line);
    else
        (void)snprintf(why, SSP_PERMIT_WHY_MAX, "[outbound_block_all] refuses it");
}

static struct ss_acl_verdict of_target(const struct ss_acl *acl, const struct ssp__endpoint *e)
{
    return e->named ? ss_acl_outbound_name(acl, e->u.name)
                    : (struct ss_acl_verdict){.way = SS_ACL_BY_ADDRESS};
}

/* The policy of the option. */
static bool by_policy(const struct ss_instance *i, const struct ssp__address *a,
                      char why[SSP_PERMIT_WHY_MAX])
{
    enum ss_outbound outbound = i->conf->outbound;
    struct ss_process *process = i->process;
    if (outbound == SS_OUTBOUND_ALL)
        return true;
    const struct ssp__address plain = ss_range_plain(a);
    const char *range = ss_range_refused(outbound, &plain);
    if (range == NULL && ssp__own_addresses_have(&process->own, process->program.loop, &plain))
        range = "this machine's";
    if (range != NULL)
        (void)snprintf(why, SSP_PERMIT_WHY_MAX, "outbound %s refuses %s addresses",
                       ss_outbound_name(outbound), range);
    return range == NULL;
}

/* A rule of the list for the address itself comes before the policy, one for its name does not: the
 * name's owner could lead it to any address. */
static bool permit(const void *arg, const struct ssp__endpoint *e, const struct ssp__address *a,
                   char why[SSP_PERMIT_WHY_MAX])
{
    const struct ss_acl *acl = ss_access_list(arg);
    struct ss_acl_verdict v = {.way = SS_ACL_THROUGH};
    if (acl != NULL)
        v = ss_acl_outbound_address(acl, a, of_target(acl, e));
    if (v.way == SS_ACL_AROUND)
        explain(why, v);
    return v.way != SS_ACL_AROUND && (v.line != 0 || by_policy(arg, a, why));
}

/* The address for connections that are not of the plugin inside of the server. */
static bool lead_elsewhere(const struct ss_instance *i, enum ssp__occasion occasion,
                           struct ssp__plan *plan)
{
    plan->endpoint = &i->fallback;
    plan->endpoints = 1;
    plan->coded = occasion == SSP_ON_DIVERT;
    return i->falls_back;
}

bool ss_outbound_plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct ss_acl *acl = ss_access_list(arg);
    const struct ss_instance *i = arg;
    if (query->failed == 0 &&
        (query->occasion == SSP_ON_FOREIGN || query->occasion == SSP_ON_DIVERT))
        return lead_elsewhere(i, query->occasion, plan);
    if (query->failed > 0 || query->occasion != SSP_ON_TARGET || query->target == NULL)
        return false;
    plan->endpoint = &query->target->endpoint;
    plan->endpoints = 1;
    if (acl != NULL || i->conf->outbound != SS_OUTBOUND_ALL)
        plan->permit = permit;
    if (acl == NULL)
        return true;
    struct ss_acl_verdict v = of_target(acl, plan->endpoint);
    if (v.way == SS_ACL_AROUND)
        explain(query->why, v);
    return v.way != SS_ACL_AROUND;
}
