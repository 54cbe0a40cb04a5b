/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment.h - the environment of a plugin: an allow-list of ours, and the contract.
 */
#ifndef SSP_HOST_ENVIRONMENT_H
#define SSP_HOST_ENVIRONMENT_H

#include <ssplugin/host.h>

/* The mode as SS_PLUGIN_MODE has it. */
const char *ssp__host_mode(ssp_mode mode);

/* A NULL-terminated array, owned by the caller; NULL when memory is out.  temporary replaces an
 * inherited TMPDIR; NULL: none. */
char **ssp__host_environment(const ssp_host_conf *conf, const char *temporary);
void ssp__host_environment_free(char **env); /* accepts NULL */

#endif
