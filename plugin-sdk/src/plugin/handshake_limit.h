/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake_limit.h - how long a peer of a server may take to authenticate: the same after each
 * start, and another one at another server.
 */
#ifndef SSP_PLUGIN_HANDSHAKE_LIMIT_H
#define SSP_PLUGIN_HANDSHAKE_LIMIT_H

#include <ssplugin/env.h>

/* Milliseconds: what the host says (SS_PLUGIN_HANDSHAKE_MS), or 30 to 90 seconds, derived from the
 * addresses and options and from what this machine does not show. */
unsigned ssp__handshake_limit_ms(const ssp_env *env);

#endif
