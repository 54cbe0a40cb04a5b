/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - the common part of clients: they accept plain connections and dial a server or its
 * plugin.
 */
#ifndef SS_APP_CLIENT_H
#define SS_APP_CLIENT_H

#include "app/instance.h"

/* Listens for TCP and UDP, and starts the plugins; instance->service has its fronts.  Returns 0, or
 * -1 after a log line. */
int ss_client_serve(struct ss_instance *instance);

#endif
