/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - starts a plugin: descriptors, environment and attributes from fork to exec.
 */
#ifndef SSP_HOST_PROCESS_CHILD_H
#define SSP_HOST_PROCESS_CHILD_H

#include "host/process/guardian.h"

/* The numbers of a plugin's descriptors beyond the standard ones.  LISTEN_FDS begins at 3; behind
 * several of them the number of the other one is higher. */
enum { SSP_LISTEN_FD = 3, SSP_NOTIFY_FD = 4 };

/* Descriptors for a plugin; all stay the caller's. */
struct ssp__child_fds {
    int output;                       /* stdout and stderr */
    int notify;                       /* SSP_NOTIFY_FD */
    const struct ssp__handed *listen; /* from SSP_LISTEN_FD on */
    int cancel;                       /* readable: the start is given up; stays with the caller */
};

/*
 * Starts the plugin of the plan.
 *
 * Its stdin is a pipe that is never written to: *lifeline_fd is its end to keep open as long as the
 * plugin should run.  It has its own process group, no descriptor but these, an empty signal mask,
 * default dispositions, umask 077, no core dumps, no_new_privs, and dies with the caller.
 *
 * Returns the pid once the new program runs, or -1 with the errno of the step that failed, exec
 * included; ECANCELED as told, ETIMEDOUT after 30 s.  No process and no descriptor is left then.
 */
pid_t ssp__child_spawn(const struct ssp__guardian_plan *plan, uint16_t port,
                       const struct ssp__child_fds *fds, int *lifeline_fd);

/* Sends SIGKILL to every child of this process.  With spare_our_own, only to children inherited
 * from a guardian, and reaps those that have ended.  Returns the number of children that got it and
 * may still run. */
unsigned ssp__child_kill_all(bool spare_our_own);

#endif
