/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - the life of one SIP003 plugin process, seen from outside.
 *
 * start, readiness, output, death, stop.  The host never blocks the loop but in ssp_host_stop(),
 * which is bounded by the grace time.
 */
#ifndef SSP_HOST_HOST_H
#define SSP_HOST_HOST_H

#include "base/address.h"
#include "net/loop.h"

#include <ssplugin/env.h>

struct ssp_host;

/* All strings are borrowed for the call of ssp_host_start(). */
struct ssp_host_conf {
    const char *plugin;  /* name or path */
    const char *options; /* SS_PLUGIN_OPTIONS, verbatim; NULL: none */
    ssp_role role;
    const struct ssp_endpoint *remote; /* SS_REMOTE_*: hosts joined by '|', port of the first */
    unsigned remotes;
    struct ssp_endpoint local; /* SS_LOCAL_* */
    unsigned ready_ms;         /* the plugin must listen within this time */
    unsigned grace_ms;         /* between SIGTERM and SIGKILL */

    /* The plugin listens where it should.  Comes once, from the loop. */
    void (*on_ready)(void *arg);
    /* The plugin has exited, or was not ready in time: why is one line for the log. */
    void (*on_death)(void *arg, const char *why);
    void *arg;
};

/* Starts the plugin.  NULL with a sentence in why (what, whom, why); nothing is left running. */
struct ssp_host *ssp_host_start(struct ssp_loop *loop, const struct ssp_host_conf *conf, char *why,
                                size_t why_cap);

/* Stops it and waits: end of its input, SIGTERM to the group, grace, SIGKILL.  Accepts NULL. */
void ssp_host_stop(struct ssp_host *host);

/* A free TCP port of the loopback address `host`; 0 when there is none. */
uint16_t ssp_host_free_port(const char *host);

#endif
