/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel.h - the service row of a plugin: listen on one address of the contract, dial the other.
 */
#ifndef SSP_PLUGIN_TUNNEL_H
#define SSP_PLUGIN_TUNNEL_H

#include "codec/datagram.h"
#include "options/settings.h"
#include "relay/balancers.h"
#include "relay/instance.h"
#include "udp/relay.h"

#include <ssplugin/ssplugin.h>

enum { SSP_TUNNEL_ENDPOINTS = 64 };

/* The parts of a tunnel; all borrowed for its life. */
struct ssp__tunnel_request {
    const char *name;       /* for logs */
    const ssp_codec *codec; /* one that the library has adopted */
    const void *conf;
    const struct ssp__builtin *builtin;
    const ssp_env *env;
    bool hosted; /* a host says itself which process has a port */
};

struct ssp__tunnel {
    struct ssp__tunnel_request request;
    ssp_mode mode; /* what will be carried */
    struct ssp__program program;
    struct ssp__instance relay;
    struct ssp__service service;
    struct ssp__datagram_conf datagrams;
    struct ssp__udp *udp; /* NULL: no datagrams are carried */
    struct ssp__endpoint listen[SSP_TUNNEL_ENDPOINTS], dial[SSP_TUNNEL_ENDPOINTS];
    unsigned listens, dials;
    struct ssp__endpoint fallback;
    unsigned fallbacks; /* 0: none */
    struct ssp__address bind_v4, bind_v6;
    struct ssp__balancers balancers; /* owned; empty without the option */
};

/* Both return 0, or an exit status (SSP_EXIT_*) with a sentence in why; ssp__tunnel_close() is due
 * either way. */

/* Validates addresses and options, and resolves where to listen, which may block: nothing is open
 * yet, so that any signal ends the program. */
int ssp__tunnel_plan(struct ssp__tunnel *t, const struct ssp__tunnel_request *request, char *why,
                     size_t why_cap);

/* Prepares the loop and opens all listeners.  on_traffic(arg) is called when datagrams have moved.
 */
int ssp__tunnel_open(struct ssp__tunnel *t, void (*on_traffic)(void *arg), void *arg, char *why,
                     size_t why_cap);

void ssp__tunnel_close(struct ssp__tunnel *t);

/* Milliseconds of an option in seconds; 0 means no limit, which the longest one comes close to. */
unsigned ssp__tunnel_limit_ms(int seconds);

#endif
