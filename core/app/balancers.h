/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancers.h - the senders that may name the client of a connection by a PROXY header.
 */
#ifndef SS_APP_BALANCERS_H
#define SS_APP_BALANCERS_H

#include "app/instance.h"

/* Makes a header the beginning of each connection, if the configuration says so.  hop: the sender
 * is the plugin.  Returns 0, or -1 after a log line. */
int ss_balancers_open(struct ss_instance *instance, bool hop);
void ss_balancers_close(struct ss_instance *instance); /* accepts one without */

#endif
