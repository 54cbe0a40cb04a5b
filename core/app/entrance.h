/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entrance.h - the entrance of ss-local: its users, the names that addresses stand for, and the
 * pages about itself, which look at the instance.
 */
#ifndef SS_APP_ENTRANCE_H
#define SS_APP_ENTRANCE_H

#include "app/instance.h"

/* The address to listen on is known.  Returns 0, or -1 after a log line. */
int ss_entrance_open(struct ss_instance *instance);
void ss_entrance_close(struct ss_instance *instance); /* accepts one that was not opened */

#endif
