/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - the state of our own process: background, limits, user, parent.
 */
#ifndef SSP_PLUGIN_PROCESS_H
#define SSP_PLUGIN_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

/* Descriptors 0 to 2 are open afterwards: what a program opens does not become the one that it
 * prints to. */
void ssp__process_open_stdio(void);

/* ssp_lifecycle_begin() without asking for a signal when the host dies. */
void ssp__process_begin(void);

/*
 * Goes to the background.  The parent writes the child's pid to pid_file (decimal, no newline) and
 * exits 0; the child returns 0 in a session of its own, with stdio on /dev/null.  It stays in its
 * directory, where the paths of its options count from.
 *
 * Returns -1 with a sentence in why when the pid file cannot be written: no child is left then.
 */
int ssp__process_detach(const char *pid_file, char *why, size_t why_cap);

/* Takes the user's gid, groups and uid for ever; user is a name or a number.  Returns 0, or -1 with
 * a sentence in why. */
int ssp__process_become(const char *user, char *why, size_t why_cap);

/* Asks the system for signo whenever the thread that started us ends: that may be the host's death
 * or not, see ssp_lifecycle_orphaned().  A change of user takes it back.  Returns 0, or -1 when
 * this system has no such thing and ssp_lifecycle_orphaned() has to be asked now and then. */
int ssp__process_follow(int signo);

/* True when the host has told us to end by the end of our input, as it is at once with a file and
 * with /dev/null: those cannot be waited for. */
bool ssp__process_input_ended(void);

/* Raises the limit of open files to n.  Returns 0, or -1 with a sentence in why. */
int ssp__process_limit_files(unsigned n, char *why, size_t why_cap);

#endif
