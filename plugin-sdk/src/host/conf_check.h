/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_check.h - checks and completes the configuration of a host.
 */
#ifndef SSP_HOST_CONF_CHECK_H
#define SSP_HOST_CONF_CHECK_H

#include <ssplugin/host.h>

/* Entries of argv, and of variables. */
enum { SSP_TERMS_LIST_MAX = 256 };

/* The host chooses the port that the plugin listens on. */
bool ssp__conf_check_choose_port(const ssp_host_conf *conf);

/* The address on which the plugin listens. */
const char *ssp__conf_check_listen_host(const ssp_host_conf *conf);

/* Copies the program's configuration, which may be of an older or a newer header, and fills in the
 * defaults of missing fields.  Returns 0, or -1 with a sentence in why. */
int ssp__conf_check_read(ssp_host_conf *conf, const ssp_host_conf *given, char *why, size_t cap);

/* True for a client's plugin that has to listen on loopback only. */
bool ssp__conf_check_private(const ssp_host_conf *c);

#endif
