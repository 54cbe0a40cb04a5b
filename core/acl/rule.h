/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - one rule of an access list: its text becomes a name, a network or an expression.
 */
#ifndef SS_ACL_RULE_H
#define SS_ACL_RULE_H

#include "acl/name_set.h"
#include "base/networks.h"

enum ss_rule_kind { SS_RULE_NAME, SS_RULE_NETWORK, SS_RULE_EXPRESSION };

struct ss_rule {
    enum ss_rule_kind kind;
    enum ss_cover cover;     /* of a name */
    char name[SSP_HOST_MAX]; /* in the form of ss_host_name() */
    struct ssp__network network;
};

/* Reads the text of a rule, without blanks around it.  Expressions that say no more than a name
 * become one.  Returns 0, or -1 with a phrase in *why. */
int ss_rule_read(struct ss_rule *rule, const char *text, const char **why);

#endif
