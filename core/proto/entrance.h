/* SPDX-License-Identifier: Apache-2.0 */
/* entrance.h - the configuration of the fronts of a proxy: who may come, and what is answered. */
#ifndef SS_PROTO_ENTRANCE_H
#define SS_PROTO_ENTRANCE_H

#include "proto/accounts.h"
#include "proto/names.h"

struct ss_pages;

/* Zero lets everyone in; a front without a configuration does the same. */
struct ss_entrance {
    struct ss_accounts accounts;
    struct ss_names *names;       /* borrowed; NULL: no name is looked up for a client */
    const struct ss_pages *pages; /* borrowed; NULL: the proxy has no pages */
};

#endif
