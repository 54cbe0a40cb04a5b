/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refresh.h - the list of servers of "online_config", looked at again and again while the program
 * runs: one that has changed makes it read its configuration as SIGHUP does.
 *
 * A thread gets the list, so that the loop does not wait for it; it executes nothing, and needs no
 * system call that a program has given up.
 */
#ifndef SS_APP_REFRESH_H
#define SS_APP_REFRESH_H

#include "app/serving.h"

/* Returns 0, or -1 after a log line. */
int ss_refresh_open(struct ss_serving *serving);
void ss_refresh_close(struct ss_refresh *refresh); /* accepts NULL; may wait a second */

#endif
