/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.h - the part of the sandbox that Landlock enforces: files, TCP ports, and signals and
 * abstract sockets of processes outside.
 */
#ifndef SSP_HOST_PROCESS_LANDLOCK_H
#define SSP_HOST_PROCESS_LANDLOCK_H

#include "host/process/sandbox.h"

/* The ABI that brought each feature.  KNOWN is the newest one in use; it brought logging only. */
enum ssp__landlock_abi {
    SSP_LANDLOCK_FILES = 1,
    SSP_LANDLOCK_REFER = 2,
    SSP_LANDLOCK_TRUNCATE = 3,
    SSP_LANDLOCK_PORTS = 4,
    SSP_LANDLOCK_IOCTL = 5,
    SSP_LANDLOCK_SCOPE = 6,
    SSP_LANDLOCK_KNOWN = 7
};

/* Sets abi, 0 without Landlock, and opens ruleset_fd, which is -1 before.  Returns 0, or -1 with
 * errno. */
int ssp__landlock_prepare(struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules);

/* Allows to listen on this port, too; async-signal-safe.  Returns 0, or -1 with errno. */
int ssp__landlock_open_port(const struct ssp__sandbox *sb, uint16_t port);

/* Restricts the process; async-signal-safe.  Returns 0, or -1 with errno. */
int ssp__landlock_enter(const struct ssp__sandbox *sb);

#endif
