/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h - the part of the sandbox that seccomp enforces: a filter against system calls that no
 * plugin needs.
 */
#ifndef SSP_HOST_PROCESS_SECCOMP_H
#define SSP_HOST_PROCESS_SECCOMP_H

#include "host/process/sandbox.h"

enum ssp__seccomp_for {
    SSP_SECCOMP_PLUGIN,
    SSP_SECCOMP_PLUGIN_UNSCOPED, /* keeps signals off sb->guarded, which Landlock cannot */
    SSP_SECCOMP_HOST             /* refuses to execute programs; it may trace nobody either */
};

/* Builds the filter, which stays empty where the kernel or the architecture has none. */
void ssp__seccomp_prepare(struct ssp__sandbox *sb, enum ssp__seccomp_for whom);

/* Installs the filter; async-signal-safe.  Needs no_new_privs.  Returns 0, or -1 with errno. */
int ssp__seccomp_enter(const struct ssp__sandbox *sb);

#endif
