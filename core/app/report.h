/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - a server tells its manager, every 5 seconds, how many bytes it has relayed.
 */
#ifndef SS_APP_REPORT_H
#define SS_APP_REPORT_H

#include "app/instance.h"

/* Reports to conf->manager_address from now on.  Returns 0, or -1 after a log line. */
int ss_report_open(struct ss_instance *instance);
void ss_report_close(struct ss_report *report); /* accepts NULL */

#endif
