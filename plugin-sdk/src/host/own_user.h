/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_user.h - a user for a plugin of a host that runs as root, when none is named.
 */
#ifndef SSP_HOST_OWN_USER_H
#define SSP_HOST_OWN_USER_H

#include "host/process/privilege.h"

/* The account that every such plugin gets where the system has it. */
#define SSP_OWN_ACCOUNT "ss-plugin"

/* One byte for each uid that a host has taken. */
#define SSP_OWN_UID_LOCKS "/run/ss-plugin.uids"

/* Uids without an account, as systemd hands out for DynamicUser=. */
enum { SSP_OWN_UID_FIRST = 61184, SSP_OWN_UID_LAST = 65519 };

/*
 * Sets p to the account SSP_OWN_ACCOUNT, or else to a uid of the range, with the group of the same
 * number.  The uid follows from seed, which names the service, unless an account, a process,
 * systemd or another host has that one: while lock_fd is open, no other host takes it.  -1 there:
 * no lock was possible, or none is needed.
 *
 * Returns false when this process could not become another user: it is not root, lacks capabilities
 * for it, or its user namespace has no such uid.
 */
bool ssp__own_user(struct ssp__privilege *p, const char *seed, int *lock_fd);

#endif
