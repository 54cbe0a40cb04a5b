/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.h - from a launch to a process that runs the plugin's own code.
 */
#ifndef SSP_TOOL_EXEC_H
#define SSP_TOOL_EXEC_H

#include "check/process.h"

/* Forks and executes, stdout and stderr on out_fd.  Returns the pid once the program runs, or -1
 * with errno, that of exec included. */
pid_t exec_launch(const struct launch *l, int out_fd);

#endif
