/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel.h - the service row of a plugin: listen on one address of the contract, dial the other.
 */
#ifndef SSP_PLUGIN_TUNNEL_H
#define SSP_PLUGIN_TUNNEL_H

#include "contract/settings.h"
#include "plugin/datagrams.h"
#include "relay/program.h"

#include <ssplugin/ssplugin.h>

enum { SSP_TUNNEL_ENDPOINTS = 64 };

/* What a tunnel is made from; all borrowed for its life. */
struct ssp_tunnel_wish {
    const char *name;       /* for logs */
    const ssp_codec *codec; /* one that the library has adopted */
    const void *conf;
    const struct ssp_builtin *builtin;
    const ssp_env *env;
};

struct ssp_tunnel {
    struct ssp_tunnel_wish wish;
    ssp_mode mode; /* what will be carried */
    struct ssp_program program;
    struct ssp_service service;
    struct ssp_datagrams *datagrams; /* NULL: none are carried */
    struct ssp_endpoint listen[SSP_TUNNEL_ENDPOINTS], dial[SSP_TUNNEL_ENDPOINTS];
    unsigned listens, dials;
    struct ssp_endpoint fallback;
    struct ssp_address bind_v4, bind_v6;
};

/* Both return 0, or an exit status (SSP_EXIT_*) with a sentence in why; ssp_tunnel_close() is due
 * either way. */

/* Validates addresses and options, and resolves where to listen, which may block: nothing is open
 * yet, so that any signal ends the program. */
int ssp_tunnel_plan(struct ssp_tunnel *t, const struct ssp_tunnel_wish *wish, char *why,
                    size_t why_cap);

/* Prepares the loop and opens all listeners.  on_traffic(arg) hears that datagrams have moved. */
int ssp_tunnel_open(struct ssp_tunnel *t, void (*on_traffic)(void *arg), void *arg, char *why,
                    size_t why_cap);

void ssp_tunnel_close(struct ssp_tunnel *t);

/* Milliseconds of an option in seconds; 0 means no limit, which the longest one comes close to. */
unsigned ssp_tunnel_limit_ms(int seconds);

#endif
