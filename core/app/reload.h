/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload.h - SIGHUP: a process goes on with its configuration as it is now.
 *
 * The files are read beside the loop (reading.h).  Then, in one turn of the loop, all that is new
 * is prepared, put in the place of the old, and the old retired; a step that fails leaves
 * everything as it was.
 */
#ifndef SS_APP_RELOAD_H
#define SS_APP_RELOAD_H

#include "app/serving.h"

/* Takes SIGHUP, if there is a file to be read again; otherwise that ends the program, and so does a
 * terminal that goes away.  Without a configuration file, or with a secret on the command line, the
 * access lists alone are read.  Returns 0, or -1 after a log line. */
int ss_reload_open(struct ss_serving *serving);

/* Begins one, as SIGHUP does. */
void ss_reload_begin(struct ss_reload *reload);

bool ss_reload_runs(const struct ss_reload *reload); /* accepts NULL */

void ss_reload_close(struct ss_reload *reload); /* waits for one that reads; accepts NULL */

#endif
