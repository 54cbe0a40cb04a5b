/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - --status: shows the metrics of a process that runs, again and again on a terminal. */
#ifndef SS_APP_MONITOR_H
#define SS_APP_MONITOR_H

#include "conf/conf.h"

/* Returns the exit status. */
int ss_monitor(const struct ss_conf *conf, const char *program);

#endif
