/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retire.h - the end of an instance that is replaced or removed while the process goes on.
 */
#ifndef SS_APP_RETIRE_H
#define SS_APP_RETIRE_H

#include "app/instance.h"

/* Takes an instance of ss_generation_instance(): it stops listening, and is freed with its last
 * session, or, if ends, ends these, too.  successor is the one in its place (NULL: none).  Cannot
 * fail, and does not wait for its plugin.  Not from within a codec, a front or a plan. */
void ss_instance_retire(struct ss_instance *instance, struct ss_instance *successor, bool ends);

/* Ends all of a process. */
void ss_retired_close(struct ss_process *process);

#endif
