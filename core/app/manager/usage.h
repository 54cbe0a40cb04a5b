/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.h - bytes toward the limits of ports and of their users, in a file for each port: they
 * count over a restart of ss-manager, and from one KEEP_MS before a crash.
 */
#ifndef SS_APP_MANAGER_USAGE_H
#define SS_APP_MANAGER_USAGE_H

#include "app/manager/manager.h"

/* The bytes of an earlier process count toward the limits of all ports; then those of all are kept
 * now and then. */
void ss_usage_begin(struct ss_manager *m);

/* Keeps those of all ports that have limits. */
void ss_usage_keep(const struct ss_manager *m);

void ss_usage_end(struct ss_manager *m); /* keeps them once more */

#endif
