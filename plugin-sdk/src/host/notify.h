/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - takes what a plugin says on SS_PLUGIN_NOTIFY_FD: logs it and hands it to the program.
 */
#ifndef SSP_HOST_NOTIFY_H
#define SSP_HOST_NOTIFY_H

#include "host/host_impl.h"

/* Takes one line; for the notices of a host, which is arg. */
void ssp__notify_line(void *arg, const char *key, const char *value);

#endif
