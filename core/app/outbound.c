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

static bool permit(const void *arg, const struct ssp__endpoint *e, const struct ssp__address *a,
                   char why[SSP_PERMIT_WHY_MAX])
{
    const struct ss_acl *acl = ss_access_list(arg);
    struct ss_acl_verdict v = ss_acl_outbound_address(acl, a, of_target(acl, e));
    if (v.way != SS_ACL_AROUND)
        return true;
    explain(why, v);
    return false;
}

bool ss_outbound_plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct ss_acl *acl = ss_access_list(arg);
    if (query->failed > 0 || query->occasion != SSP_ON_TARGET || query->target == NULL)
        return false;
    plan->endpoint = &query->target->endpoint;
    plan->endpoints = 1;
    if (acl == NULL)
        return true;
    plan->permit = permit;
    struct ss_acl_verdict v = of_target(acl, plan->endpoint);
    if (v.way == SS_ACL_AROUND)
        explain(query->why, v);
    return v.way != SS_ACL_AROUND;
}
