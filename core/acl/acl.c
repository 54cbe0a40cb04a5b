/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/acl.h"

#include "acl/host_name.h"
#include "acl/lists.h"

#include <stdlib.h>
#include <string.h>

void ss_acl_free(struct ss_acl *acl)
{
    if (acl == NULL)
        return;
    for (unsigned i = 0; i < SS_ACL_LISTS; i++) {
        ss_name_set_release(&acl->list[i].names);
        ssp__networks_release(&acl->list[i].networks);
        ss_expressions_free(acl->list[i].expressions);
    }
    free(acl);
}

size_t ss_acl_rules(const struct ss_acl *acl)
{
    return acl->rules;
}

/* An expression that is given up counts for the side that is safe. */
unsigned ss_rules_name(const struct ss_acl *acl, enum ss_acl_list list, const char *name)
{
    const struct ss_rules *rules = &acl->list[list];
    bool unsure = list == SS_ACL_PROXY || list == SS_ACL_BLOCK;
    unsigned line = ss_name_set_find(&rules->names, name);
    if (line == 0 && rules->expressions != NULL)
        line = ss_expressions_find(rules->expressions, name, unsure);
    return line;
}

static unsigned line_of_address(const struct ss_acl *acl, enum ss_acl_list list,
                                const struct ssp__address *a)
{
    const struct ssp__network net = ssp__network_of(a);
    return ssp__networks_find(&acl->list[list].networks, &net);
}

static struct ss_acl_verdict verdict(enum ss_acl_way way, unsigned line)
{
    return (struct ss_acl_verdict){.way = way, .line = line};
}

/* A name that is a literal is an address: such ends in a digit, or has a colon. */
static bool is_address(const char *name, struct ssp__address *a)
{
    size_t len = strlen(name);
    bool digit = len > 0 && name[len - 1] >= '0' && name[len - 1] <= '9';
    return (digit || memchr(name, ':', len) != NULL) && ssp__address_parse(a, name, 0) == 0;
}

/* ---- clients ---- */

struct ss_acl_verdict ss_acl_address(const struct ss_acl *acl, const struct ssp__address *a)
{
    unsigned line = line_of_address(acl, SS_ACL_BYPASS, a);
    if (line != 0)
        return verdict(SS_ACL_AROUND, line);
    line = line_of_address(acl, SS_ACL_PROXY, a);
    if (line != 0)
        return verdict(SS_ACL_THROUGH, line);
    return verdict(acl->around ? SS_ACL_AROUND : SS_ACL_THROUGH, 0);
}

/* A name is looked up only where one of its addresses could say other than the default. */
struct ss_acl_verdict ss_acl_name(const struct ss_acl *acl, const char *text)
{
    struct ssp__address a;
    char name[SSP_HOST_MAX];
    if (is_address(text, &a))
        return ss_acl_address(acl, &a);
    (void)ss_host_name(name, text);
    unsigned line = ss_rules_name(acl, SS_ACL_BYPASS, name);
    if (line != 0)
        return verdict(SS_ACL_AROUND, line);
    line = ss_rules_name(acl, SS_ACL_PROXY, name);
    if (line != 0)
        return verdict(SS_ACL_THROUGH, line);
    enum ss_acl_list other = acl->around ? SS_ACL_PROXY : SS_ACL_BYPASS;
    if (ssp__networks_any(&acl->list[other].networks))
        return verdict(SS_ACL_BY_ADDRESS, 0);
    return verdict(acl->around ? SS_ACL_AROUND : SS_ACL_THROUGH, 0);
}

bool ss_acl_refuses_clients(const struct ss_acl *acl)
{
    return acl->around || ssp__networks_any(&acl->list[SS_ACL_BYPASS].networks);
}

/* ---- targets of a server ---- */

bool ss_acl_judges_targets(const struct ss_acl *acl)
{
    bool any = acl->block_all;
    for (int i = SS_ACL_BLOCK; i <= SS_ACL_ALLOW; i++) {
        const struct ss_rules *rules = &acl->list[i];
        any = any || rules->names.n > 0 || rules->expressions != NULL ||
              ssp__networks_any(&rules->networks);
    }
    return any;
}

struct ss_acl_verdict ss_acl_outbound_name(const struct ss_acl *acl, const char *text)
{
    struct ssp__address a;
    char name[SSP_HOST_MAX];
    if (is_address(text, &a))
        return ss_acl_outbound_address(acl, &a, verdict(SS_ACL_BY_ADDRESS, 0));
    (void)ss_host_name(name, text);
    unsigned line = ss_rules_name(acl, SS_ACL_ALLOW, name);
    if (line != 0)
        return verdict(SS_ACL_THROUGH, line);
    line = ss_rules_name(acl, SS_ACL_BLOCK, name);
    if (line != 0)
        return verdict(SS_ACL_AROUND, line);
    if (acl->block_all && !ssp__networks_any(&acl->list[SS_ACL_ALLOW].networks))
        return verdict(SS_ACL_AROUND, 0);
    return verdict(SS_ACL_BY_ADDRESS, 0);
}

struct ss_acl_verdict ss_acl_outbound_address(const struct ss_acl *acl,
                                              const struct ssp__address *a,
                                              struct ss_acl_verdict named)
{
    unsigned line = line_of_address(acl, SS_ACL_ALLOW, a);
    if (line != 0)
        return verdict(SS_ACL_THROUGH, line);
    if (named.way != SS_ACL_BY_ADDRESS)
        return verdict(named.way, 0);
    line = line_of_address(acl, SS_ACL_BLOCK, a);
    if (line != 0 || acl->block_all)
        return verdict(SS_ACL_AROUND, line);
    return verdict(SS_ACL_THROUGH, 0);
}
