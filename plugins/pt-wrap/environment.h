/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment.h - the variables of a transport program, TOR_PT_*.
 */
#ifndef PT_WRAP_ENVIRONMENT_H
#define PT_WRAP_ENVIRONMENT_H

#include "pt-wrap/request.h"

/* The extended ORPort of a server's program; NULL texts: none. */
struct pt_orport_door {
    const char *at;     /* ip:port */
    const char *cookie; /* path */
};

/* A list as ssp_host_conf::variables wants it, which also removes variables that are not for this
 * program.  NULL: out of memory. */
char **pt_environment(const struct pt_request *request, const char *state,
                      const struct pt_orport_door *door);
void pt_environment_free(char **list); /* accepts NULL */

#endif
