/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listening.h - does a process tree listen on a port?  Asked of the kernel, without a probe.
 */
#ifndef SSP_PROCFS_LISTENING_H
#define SSP_PROCFS_LISTENING_H

#include "procfs/diag.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Looks for listening sockets on port, of any address.
 *
 * Returns 1 when a process of this group, or a descendant of pid, holds one; 0 when none does; -1
 * when the kernel does not answer.  *foreign is true when another process holds one as well, or
 * instead.  SSP_LISTENING_UNVERIFIED: there is one, whose owner is unknown without a usable /proc.
 */
enum { SSP_LISTENING_UNVERIFIED = 2 };

int ssp__listening(pid_t pid, enum ssp__transport transport, uint16_t port, bool *foreign);

#endif
