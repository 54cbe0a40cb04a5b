/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.h - struct ss_acl, for the files that fill it.
 */
#ifndef SS_ACL_LISTS_H
#define SS_ACL_LISTS_H

#include "acl/acl.h"
#include "acl/expressions.h"
#include "acl/name_set.h"
#include "base/networks.h"

struct ss_rules {
    struct ss_name_set names;
    struct ssp__networks networks;
    struct ss_expressions *expressions; /* NULL: none */
};

struct ss_acl {
    struct ss_rules list[SS_ACL_LISTS];
    bool around;    /* by default */
    bool block_all; /* targets of ss-server, by default */
    size_t rules;
};

/* The line of the rule for a name, in the form of ss_host_name(), or 0. */
unsigned ss_rules_name(const struct ss_acl *acl, enum ss_acl_list list, const char *name);

#endif
