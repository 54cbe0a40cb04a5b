/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the socket at which a process takes orders of its own user, see orders.h. */
#ifndef SS_APP_CONTROL_H
#define SS_APP_CONTROL_H

#include "app/serving.h"

/* Listens where the configuration says, if it does.  Returns 0, or -1 after a log line. */
int ss_control_open(struct ss_serving *serving);

/* The socket that listens. */
int ss_control_fd(const struct ss_control *control);

/* True while another process takes over.  Accepts NULL. */
bool ss_control_taken(const struct ss_control *control);

/* The outcome of a reload, for those who wait for it.  Accepts NULL. */
void ss_control_tell(struct ss_control *control, bool done, const char *outcome);

/* Another process has the file from now on; orders that are under way go on.  Accepts NULL. */
void ss_control_leave(struct ss_control *control);

void ss_control_close(struct ss_control *control); /* accepts NULL */

#endif
