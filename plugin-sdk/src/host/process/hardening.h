/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hardening.h - the rights that a host gives up for itself, whoever it runs as: to gain privileges,
 * to be traced or dumped, and system calls that it does not use.
 *
 * A plugin of the same user then sees nothing of its host, and a fault in the host opens less.
 */
#ifndef SSP_HOST_PROCESS_HARDENING_H
#define SSP_HOST_PROCESS_HARDENING_H

#include <stdbool.h>

/* No new privileges, for all descendants too.  Without cores: no core dumps, and /proc shows
 * memory, environment and descriptors to root only.  A change of user undoes a part: call it again
 * then. */
void ssp__harden_process(bool cores);

/*
 * Refuses, for good, the system calls that the sandbox refuses to plugins, and to execute programs:
 * a guardian that runs already starts plugins as ever.  The process needs no_new_privs.  Libraries
 * that a host uses do without these calls.
 *
 * Returns 0; -1 with errno where the kernel cannot.  A build with a leak checker is left alone.
 */
int ssp__harden_calls(void);

#endif
