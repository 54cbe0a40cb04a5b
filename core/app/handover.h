/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.h - the other side of takeover.h: a process gives its sockets away, and ends with its
 * last connection, or when their time is over.
 */
#ifndef SS_APP_HANDOVER_H
#define SS_APP_HANDOVER_H

#include "app/serving.h"

/* Sends the greeting, and the sockets unless there is a reason not to, which is logged then, too.
 * Returns 0, or -1. */
int ss_handover_offer(struct ss_serving *serving, int fd, pid_t heir);

/* Leaves clients to the process heir, which has the sockets and serves. */
void ss_handover_leave(struct ss_serving *serving, pid_t heir);

/* At the end of this process.  Files whose sockets another process has been offered stay, since
 * that one may have taken over. */
void ss_handover_close(struct ss_serving *serving);

#endif
