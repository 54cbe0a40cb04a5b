/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the socket at which a process takes orders of its own user, see orders.h. */
#ifndef SS_APP_CONTROL_H
#define SS_APP_CONTROL_H

#include "app/serving.h"

/* Listens where the configuration says, if it does.  Returns 0, or -1 after a log line. */
int ss_control_open(struct ss_serving *serving);

/* The file stays where another process has been offered the sockets, since that one may have taken
 * over.  Accepts NULL. */
void ss_control_close(struct ss_control *control);

#endif
