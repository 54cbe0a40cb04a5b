/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - reads SS_PLUGIN_NOTIFY_FD of a plugin, logs its lines and hands them to the program.
 */
#ifndef SSP_HOST_NOTIFY_H
#define SSP_HOST_NOTIFY_H

#include "host/host_impl.h"

/* Takes one line; for the notices of a host, which is arg. */
void ssp__notify_line(void *arg, const char *key, const char *value);

/* Watches the descriptor, or tries again later when memory is out; arg is the host. */
void ssp__notify_watch(void *arg);

#endif
