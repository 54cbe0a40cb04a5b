/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind_hint.h - the remedy when a port cannot be bound.
 */
#ifndef SSP_PROCFS_BIND_HINT_H
#define SSP_PROCFS_BIND_HINT_H

#include "procfs/diag.h"

#include <stddef.h>
#include <stdint.h>

enum { SSP_PRIVILEGED_PORTS = 1024, SSP_BIND_HINT_MAX = 256 };

/* With the port, and its owner. */
#define SSP_PORT_IS_TAKEN "port %u is taken by %s: stop it, or choose another port"

/* With the port. */
#define SSP_PORT_IS_PRIVILEGED                                                                     \
    "port %u needs CAP_NET_BIND_SERVICE: start as root, or with "                                  \
    "AmbientCapabilities=CAP_NET_BIND_SERVICE"

/* Looks for the owner of a taken port; error is an errno.  Returns text, or NULL when no remedy is
 * known. */
const char *ssp__bind_hint(int error, enum ssp__transport transport, uint16_t port,
                           char text[SSP_BIND_HINT_MAX]);

#endif
