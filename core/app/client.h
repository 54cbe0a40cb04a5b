/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - what clients have in common: plain in front, and a server, or its plugin, behind.
 */
#ifndef SS_APP_CLIENT_H
#define SS_APP_CLIENT_H

#include "app/instance.h"

/* Listens for TCP and UDP, and starts the plugins; instance->service has its fronts.  Returns 0, or
 * -1 after a log line. */
int ss_client_serve(struct ss_instance *instance);

#endif
