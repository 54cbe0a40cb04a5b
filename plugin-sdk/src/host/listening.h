/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listening.h - does a process tree listen on a TCP port?  Asked of the kernel, without a probe.
 */
#ifndef SSP_HOST_LISTENING_H
#define SSP_HOST_LISTENING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Looks for a listening socket on port that a process of this group, or a descendant of pid, holds.
 *
 * Returns 1 when there is one, 0 when nobody listens there or somebody else does (then *foreign is
 * set), -1 when the kernel does not answer.
 */
int ssp_listening(pid_t pid, uint16_t port, bool *foreign);

#endif
