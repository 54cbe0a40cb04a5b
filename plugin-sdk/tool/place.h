/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - role, both addresses, options and mode of a plugin, from argv.
 */
#ifndef SSP_TOOL_PLACE_H
#define SSP_TOOL_PLACE_H

#include "base/address.h"
#include "command.h"

#include <ssplugin/host.h>

/* Zero is valid and empty. */
struct place {
    ssp_role role;
    ssp_mode mode;
    struct ssp__endpoint remote, local;                       /* port 0: not given */
    char remote_host[SSP_HOST_MAX], local_host[SSP_HOST_MAX]; /* theirs, once complete */
    const char *options;                                      /* borrowed from argv; NULL: none */
};

/* Takes the HOST:PORT of an option, as a tool_take_fn does. */
enum ssp__next place_endpoint(struct ssp__endpoint *e, const struct tool_usage *usage,
                              const char *name, const char *value);

/* Takes --role, --remote, --local, --options or --mode, as a tool_take_fn does. */
enum ssp__next place_take(struct place *p, const struct tool_usage *usage, const char *name,
                          const char *value);

/* Fills in what was not given: the role, 127.0.0.1:8388 for remote, 127.0.0.1:1984 for local. */
void place_complete(struct place *p, ssp_role role);

/* The same for a host, of a complete place; borrows from p. */
ssp_host_conf place_conf(const struct place *p, const char *plugin);

const char *place_role(ssp_role role);

/* The address on which the plugin accepts connections. */
const struct ssp__endpoint *place_front(const struct place *p);

#endif
