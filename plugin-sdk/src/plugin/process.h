/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - the state of our own process: stdio, background, limits, user, parent.
 */
#ifndef SSP_PLUGIN_PROCESS_H
#define SSP_PLUGIN_PROCESS_H

#include <stddef.h>

/* Opens descriptors 0 to 2 on /dev/null where they are closed, so that no socket becomes one of
 * them, ignores SIGPIPE, and gives all other signals their default back. */
void ssp_process_sanitise(void);

/* Asks for SIGTERM when the parent dies.  Returns 0, or -1 when it is dead already. */
int ssp_process_follow_parent(void);

/*
 * Goes to the background.  The parent writes the child's pid to pid_file (decimal, no newline) and
 * exits 0; the child returns 0 in a session of its own, in "/", with stdio on /dev/null.
 *
 * Returns -1 with a sentence in why when the pid file cannot be written: no child is left then.
 */
int ssp_process_detach(const char *pid_file, char *why, size_t why_cap);

/* Takes the user's gid, groups and uid for ever; user is a name or a number.  Returns 0, or -1 with
 * a sentence in why. */
int ssp_process_become(const char *user, char *why, size_t why_cap);

/* Raises the limit of open files to n.  Returns 0, or -1 with a sentence in why. */
int ssp_process_limit_files(unsigned n, char *why, size_t why_cap);

#endif
