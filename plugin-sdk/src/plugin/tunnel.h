/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel.h - the service row of a plugin: listen on one address of the contract, dial the other.
 */
#ifndef SSP_PLUGIN_TUNNEL_H
#define SSP_PLUGIN_TUNNEL_H

#include "contract/settings.h"
#include "relay/program.h"

#include <ssplugin/ssplugin.h>

enum { SSP_TUNNEL_ENDPOINTS = 64 };

struct ssp_tunnel {
    struct ssp_program program;
    struct ssp_service service;
    struct ssp_endpoint listen[SSP_TUNNEL_ENDPOINTS], dial[SSP_TUNNEL_ENDPOINTS];
    unsigned listens, dials;
    struct ssp_endpoint fallback;
    struct ssp_address bind_v4, bind_v6;
};

/*
 * Prepares loop, listeners and service from what was configured; settings and env are borrowed for
 * its life.  Returns 0, or an exit status (SSP_EXIT_*) with a sentence in why.
 */
int ssp_tunnel_open(struct ssp_tunnel *t, const struct ssp_settings *settings, const ssp_env *env,
                    char *why, size_t why_cap);
void ssp_tunnel_close(struct ssp_tunnel *t);

#endif
