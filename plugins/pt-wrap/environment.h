/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment.h - what a transport program is told by variables, TOR_PT_*.
 */
#ifndef PT_WRAP_ENVIRONMENT_H
#define PT_WRAP_ENVIRONMENT_H

#include "pt-wrap/request.h"

/* Where a server's program says who its clients are; NULL texts: nowhere. */
struct pt_orport_door {
    const char *at;     /* ip:port */
    const char *cookie; /* path */
};

/* A list as ssp_host_conf::variables wants it, which also takes away what is not for this program.
 * NULL: out of memory. */
char **pt_environment(const struct pt_request *request, const char *state,
                      const struct pt_orport_door *door);
void pt_environment_free(char **list); /* accepts NULL */

#endif
