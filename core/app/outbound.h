/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbound.h - the targets that ss-server dials for its clients.
 */
#ifndef SS_APP_OUTBOUND_H
#define SS_APP_OUTBOUND_H

#include "app/instance.h"

/* Fills the plan of a server, for TCP and UDP. */
bool ss_outbound_plan(const void *instance, const struct ssp__plan_query *query,
                      struct ssp__plan *plan);

#endif
