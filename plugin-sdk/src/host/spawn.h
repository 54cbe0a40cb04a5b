/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h - a child process in its own group, with a clean environment and nothing inherited.
 */
#ifndef SSP_HOST_SPAWN_H
#define SSP_HOST_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct ssp_child {
    pid_t pid;
    int pidfd;       /* readable once the process has exited */
    int lifeline_fd; /* write end of its stdin: it sees an end of input when we are gone */
    int output_fd;   /* read end of its stdout and stderr, non-blocking */
};

/* Finds an executable: a name with '/' is that very file, another is searched in the absolute
 * entries of $PATH, never in the current directory.  Returns 0, or -1 with errno. */
int ssp_spawn_find(const char *name, char *path, size_t path_cap);

/*
 * Starts path with argv {name} and exactly this environment.
 *
 * Returns 0 once the new program runs, or -1 with errno when any step failed, exec included; then
 * nothing is left behind.
 */
int ssp_spawn(struct ssp_child *child, const char *path, const char *name, char *const env[]);

/* Closes what is open.  The process must have been reaped. */
void ssp_child_release(struct ssp_child *child);

#endif
