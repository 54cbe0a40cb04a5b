/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members.h - the processes of a plugin, and whether one of them has begun to exit.
 *
 * A process that is killed has its sockets closed by the kernel, and its streams end as if they
 * were complete.  Its memory is released before, so that an end can be told from a death at once.
 */
#ifndef SSP_HOST_PROCESS_MEMBERS_H
#define SSP_HOST_PROCESS_MEMBERS_H

#include "base/liveness.h"

#include <stdint.h>
#include <sys/types.h>

enum { SSP_MEMBERS_MAX = 16 };

/* The plugin is the first; others are those that it has started. */
struct ssp__members {
    int exit_fd[SSP_MEMBERS_MAX];
    unsigned n;
    uint64_t exiting_ms; /* since when one of them is seen to exit; 0: none is */
};

void ssp__members_add(struct ssp__members *m, pid_t pid);
void ssp__members_close(struct ssp__members *m);

/* DEAD while the plugin itself exits.  LEAVING while another one does, which the plugin may follow.
 * UNKNOWN where the kernel cannot be asked. */
enum ssp__liveness ssp__members_liveness(struct ssp__members *m, uint64_t now_ms);

#endif
