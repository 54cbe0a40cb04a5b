/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.h - the part of the lifecycle that is not public: parts of what ssp_lifecycle_begin()
 * does, and the end of our input.
 */
#ifndef SSP_PLUGIN_LIFECYCLE_H
#define SSP_PLUGIN_LIFECYCLE_H

#include <ssplugin/lifecycle.h>

#include <stdbool.h>

/* ssp_lifecycle_begin() without asking for a signal when the host dies. */
void ssp__lifecycle_reset(void);

/* Asks the system for signo whenever the thread that started us ends: that may be the host's death
 * or not, see ssp_lifecycle_orphaned().  A change of user takes it back.  Returns 0, or -1 when
 * this system has no such thing and ssp_lifecycle_orphaned() has to be asked now and then. */
int ssp__lifecycle_follow(int signo);

/* True when the host has told us to end by the end of our input, as it is at once with a file and
 * with /dev/null: those cannot be waited for. */
bool ssp__lifecycle_input_ended(void);

#endif
