/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap.h - the transport program and the parts beside it, as one unit.
 *
 *   client:  the transport program; when it is ready, the part that speaks SOCKS to it
 *   server:  with ext-orport our part that hears who a client is; then the transport program
 */
#ifndef PT_WRAP_WRAP_H
#define PT_WRAP_WRAP_H

#include "pt-wrap/request.h"

/* Runs until the end.  Returns the exit status; the log has the reason. */
int pt_wrap_run(const struct pt_request *request);

#endif
