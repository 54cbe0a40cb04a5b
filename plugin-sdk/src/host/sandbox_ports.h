/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_ports.h - the TCP ports that a plugin has to use: those of the contract, those that its
 * options name, and those in the files that these name.
 */
#ifndef SSP_HOST_SANDBOX_PORTS_H
#define SSP_HOST_SANDBOX_PORTS_H

#include "host/sandbox_paths.h"

#include <ssplugin/host.h>

enum { SSP_PORTS_MAX = 256 };

struct ssp__sandbox_ports {
    bool any;                                             /* it may use all */
    uint16_t bind[SSP_PORTS_MAX], connect[SSP_PORTS_MAX]; /* each ends with 0 */
    unsigned binds, connects;
};

/*
 * Any number that stands alone is taken for a port.  conf->ports adds some, or "any" lifts the
 * limit.  53 is for names; the scheme of an URL implies its port, and "acme" those of the web.
 *
 * Returns 0, or -1 with a sentence in why: conf->ports is malformed.
 */
int ssp__sandbox_ports_read(struct ssp__sandbox_ports *ports, const ssp_host_conf *conf,
                            const struct ssp__sandbox_paths *named, char *why, size_t cap);

#endif
