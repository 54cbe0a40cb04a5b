/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.h - the part of the lifecycle that is not public: parts of what ssp_lifecycle_begin()
 * does, and the end of standard input.
 */
#ifndef SSP_PLUGIN_LIFECYCLE_H
#define SSP_PLUGIN_LIFECYCLE_H

#include <ssplugin/lifecycle.h>

#include <stdbool.h>

/* ssp_lifecycle_begin() without asking for a signal when the host dies. */
void ssp__lifecycle_reset(void);

/* Asks the system for signo whenever the thread that started this process ends, which need not be
 * the death of the host, see ssp_lifecycle_orphaned().  A change of user takes it back.  Returns 0,
 * or -1 when this system has no such thing and ssp_lifecycle_orphaned() has to be called at
 * intervals. */
int ssp__lifecycle_follow(int signo);

/* How many sockets the host has handed over, as descriptors from the one of
 * ssp_lifecycle_listen_fd() on. */
unsigned ssp__lifecycle_handed(void);

/* True at the end of standard input, by which the host asks the plugin to stop.  A file and
 * /dev/null, which poll cannot wait for, are at their end at once. */
bool ssp__lifecycle_input_ended(void);

#endif
