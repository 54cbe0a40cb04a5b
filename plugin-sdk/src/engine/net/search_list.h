/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_list.h - the domains in which a short name is looked for: see resolv.conf(5).
 */
#ifndef SSP_NET_SEARCH_LIST_H
#define SSP_NET_SEARCH_LIST_H

#include "base/address.h"

enum { SSP_DOMAINS_MAX = 6 };

struct ssp__search_list {
    char domain[SSP_DOMAINS_MAX][SSP_HOST_MAX];
    unsigned domains;
    unsigned ndots; /* a name with so many dots is tried alone first */
};

/* Reads the lines search, domain and options of the file.  Without the first two, the domain is
 * that of this machine's name. */
void ssp__search_list_read(struct ssp__search_list *list, const char *path);

/* Writes the next name to ask for, absolute, to full; *index counts them, from 0.  False when there
 * is none any more. */
bool ssp__search_list_next(const struct ssp__search_list *list, const char *name, unsigned *index,
                           char full[SSP_HOST_MAX + 1]);

#endif
